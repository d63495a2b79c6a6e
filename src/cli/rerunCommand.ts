// `amdahl rerun`: a new run of the same program, in which every question that is still the same is answered from the old one.
// What that comes to is printed first.

import type { RunId } from '../journal/event.ts';
import { isOfSubject } from '../run/rerun.ts';
import { type PlannedAgent, type RerunPlan, rerunPlan } from '../run/rerunPlan.ts';
import { parseBudget } from './budgetOption.ts';
import { beginningOf } from '../run/enter.ts';
import { makeContext, readSubject } from './contextOption.ts';
import { drive } from './drive.ts';
import { readInput } from './inputOption.ts';
import { amdahlCommand } from './invocation.ts';
import { checkAgents, parseModels } from './modelOption.ts';
import { loadProgram } from './program.ts';
import { costText, countText, many, visible } from './quantities.ts';
import { EXIT } from './report.ts';
import { recordedProgram } from './resumeCommand.ts';
import type { DriveOptions } from './runCommand.ts';
import { mannerOf, modeOf, newId } from './runCommand.ts';
import { findRun, requireJournal } from './runReference.ts';
import type { Cell } from './table.ts';
import { tableLines } from './table.ts';
import type { Output, Terminal } from './terminal.ts';

export interface RerunOptions extends DriveOptions {
  readonly input?: string;
  readonly as?: string;
  readonly subject?: string;
}

export async function rerunCommand(text: string, file: string | undefined, options: RerunOptions, terminal: Terminal): Promise<number> {
  const budget = options.budget === undefined ? undefined : parseBudget(options.budget);
  const models = parseModels(options.model ?? [], process.env);
  const journal = requireJournal();
  const row = await findRun(journal, text);
  const began = await beginningOf(journal, row.run);
  const program = await loadProgram(file ?? recordedProgram(row, 'rerun'));
  checkAgents(models, program.agent);
  const input = options.input === undefined ? began?.input : await readInput(options.input, program.agent, terminal);
  const subject = readSubject(options.subject) ?? began?.subject;
  const plan = await rerunPlan(journal, row.run, program.agent, {
    models: { ...program.options.models, ...models } as never, // as drive gives them to run()
    settings: (program.options.settings ?? {}) as never,
    sameSubject: began !== undefined && isOfSubject(began, subject),
  });
  const mode = modeOf(options);
  if (mode === 'people') for (const line of planLines(plan, options.input !== undefined, terminal.err)) terminal.err.line(line);
  if (options.yes !== true) {
    if (!terminal.interactive) {
      terminal.err.line(`Nothing was begun: nobody can be asked here. To begin, say ${amdahlCommand()} rerun ${row.run} --yes.`);
      return EXIT.usage;
    }
    if (!(await terminal.confirm('Begin?'))) {
      terminal.err.line('Nothing was begun.');
      return EXIT.succeeded;
    }
  }
  const id = (options.as ?? newId(program.agent.name)) as RunId; // run() refuses what is no id.
  const context = await makeContext(program, subject);
  return drive(
    {
      program,
      input,
      id,
      journal,
      budget,
      models,
      retry: [],
      context,
      subject,
      scope: undefined,
      rerun: row.run,
      ...mannerOf(options),
    },
    terminal,
  );
}

const COLUMNS = [{}, { align: 'right' }, { align: 'right' }, { align: 'right' }, { align: 'right', drop: 1 }, { gives: true }] as const;

/** The plan as a table: who is answered, who is asked, and what that was worth then. Pure. */
function planLines(plan: RerunPlan, otherInput: boolean, out: Output): string[] {
  const { colors } = out;
  const [answered, bought] = [sum(plan.agents, 'answered'), sum(plan.agents, 'bought')];
  const head = ['AGENT', 'ANSWERED', 'BOUGHT', 'TOKENS', 'COST', 'WHY'].map((text): Cell => ({ text, paint: colors.dim }));
  const rows = plan.agents.map(({ agent, answered: kept, bought: fresh, tokens, usdMicros, why }): (string | Cell)[] => [
    visible(agent),
    countText(kept),
    countText(fresh),
    fresh === 0 ? '' : countText(tokens),
    fresh === 0 ? '' : costText(usdMicros, 0),
    { text: visible(why ?? ''), paint: colors.dim },
  ]);
  const lines = [
    `${colors.bold('rerun')} ${plan.run}  ${many(answered, 'call')} answered from it, ${bought === 0 ? 'nothing bought anew' : `${many(bought, 'call')} bought anew: about ${countText(sum(plan.agents, 'tokens'))} tokens, ${costText(sum(plan.agents, 'usdMicros'), 0)}, as they cost then`}`,
    ...tableLines(COLUMNS, [head, ...rows], out.width()),
    ...(bought === 0 ? [] : [colors.dim('What an answer bought anew changes is asked anew too, and is not in this estimate.')]),
  ];
  if (otherInput) lines.push(colors.dim('The input is given anew: where it differs, so do the questions.'));
  return [...lines, ''];
}

function sum(agents: readonly PlannedAgent[], of: 'answered' | 'bought' | 'tokens' | 'usdMicros'): number {
  return agents.reduce((total, one) => total + one[of], 0);
}
