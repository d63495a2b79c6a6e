// A listener to a run, with a stand-in.

import { agent, memoryJournal, run } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const say = agent({ name: 'say', model: scripted([{ text: 'word by word\n' }]), instructions: 'Say it.' });

await run(say, 'hello', {
  journal: memoryJournal(),
  onDelta: (delta) => {
    if (delta.type === 'text') process.stdout.write(delta.delta);
    if (delta.type === 'withdrawn') console.log(`\n(${delta.call} takes that back)`);
  },
});
