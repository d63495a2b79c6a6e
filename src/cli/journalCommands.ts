// What the command line takes for runs that are kept: cancel and prune. Called by commands.ts.

import type { Command } from 'commander';
import type { CancelFlags } from './cancelCommand.ts';
import { also, seconds } from './optionValues.ts';
import type { PruneFlags } from './pruneCommand.ts';
import type { Terminal } from './terminal.ts';

type Done = (code: number) => void;

/** Longer than the heartbeat after which an owner elsewhere counts as gone. */
const WAIT_S_DEFAULT = 30;

const CANCEL_HELP = `
RUN is an id, the start of one, or 'last'. Whoever works on it hears of it within about a second: requests are cut off, acts on
the world that have begun are finished, and the run ends as cancelled. A run whose process is gone is ended there and then.
It is no loss: what finished is kept, and amdahl resume goes on with it.

Exit codes: 0 all of them are cancelled; 1 one had ended; 4 one does not stop.

Examples:
  amdahl cancel last
  amdahl cancel sweep-7 sweep-8 --reason 'wrong input'
  amdahl cancel --all                                 every run that somebody works on`;

const PRUNE_HELP = `
Deletes runs that ended, with every text that no other run has, and overwrites their place in the file. A run that somebody
works on is never deleted, and one that was interrupted or is parked only by --run or --status: it could still go on.

Examples:
  amdahl prune --older-than 30d --dry-run             what would go, and how much that frees
  amdahl prune --older-than 30d --yes
  amdahl prune --run sweep-7
  amdahl prune --older-than 1d --status failed --status cancelled`;

export function addCancel(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('cancel')
    .summary('stop runs, wherever they are worked on')
    .description('Stops runs, wherever they are worked on, and waits until they have.')
    .argument('[run...]', "their ids, the starts of them, or 'last'")
    .option('--all', 'every run that somebody works on')
    .option('--reason <text>', 'why, for people: it is kept in the journal')
    .option('--wait <seconds>', 'how long to wait for each', seconds, WAIT_S_DEFAULT)
    .option('--json', 'one line of JSON per run')
    .addHelpText('after', CANCEL_HELP)
    .action(async (runs: readonly string[], options: CancelFlags) => {
      const { cancelCommand } = await import('./cancelCommand.ts');
      done(await cancelCommand(runs, options, terminal));
    });
}

export function addPrune(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('prune')
    .summary('delete runs that ended')
    .description('Says which runs it would delete and how much that frees, asks, and deletes them.')
    .option('--older-than <age>', 'about which nothing was written for so long, such as 30d, 12h')
    .option('--run <run>', 'this run; may be given several times', also)
    .option('--status <status>', 'only succeeded, partial, failed, cancelled, interrupted or parked; may be given several times', also)
    .option('--dry-run', 'say it, and delete nothing')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'what was deleted as one line of JSON')
    .addHelpText('after', PRUNE_HELP)
    .action(async (options: PruneFlags) => {
      const { pruneCommand } = await import('./pruneCommand.ts');
      done(await pruneCommand(options, terminal));
    });
}
