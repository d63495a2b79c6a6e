// Files in inputs, with a stand-in that tells what it was sent.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { agent, file, memoryJournal, run } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted(({ prompt: [, user] }) => ({ text: user?.role === 'user' ? user.content.map(({ type }) => type).join(', ') : '' }));
const path = join(tmpdir(), 'amdahl-shot.png');
writeFileSync(path, Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));

const look = agent({
  name: 'look',
  model,
  instructions: 'Say what is wrong in the picture.',
  input: z.object({ question: z.string(), picture: file.schema }),
});

const { output } = await run(look, { question: 'Is the button visible?', picture: file(path) }, { journal: memoryJournal() });
console.log(output);
