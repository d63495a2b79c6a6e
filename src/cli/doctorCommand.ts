// `amdahl doctor`: says what runs would find here. 0 when what is set up works, 1 when something does not, 2 where there
// is no directory to look from.

import process from 'node:process';
import { diagnose } from './doctor.ts';
import { renderDiagnosis } from './doctorText.ts';
import { amdahlCommand } from './invocation.ts';
import { EXIT } from './report.ts';
import type { Terminal } from './terminal.ts';

export async function doctorCommand(options: { readonly json?: boolean }, { out, err }: Terminal): Promise<number> {
  if (!isSomewhere()) {
    // Not thrown: to say how this command can be called takes a directory too.
    err.line('The working directory does not exist any more, so there is nothing to look at. Go to one that does: cd ~');
    return EXIT.usage;
  }
  const found = await diagnose();
  if (options.json === true) out.line(JSON.stringify(found));
  else for (const line of renderDiagnosis(found, out.width(), out.colors, amdahlCommand())) out.line(line);
  return found.ok ? EXIT.succeeded : EXIT.failed;
}

/** A process may outlive its directory; then every look for a file fails. */
function isSomewhere(): boolean {
  try {
    process.cwd();
    return true;
  } catch {
    return false;
  }
}
