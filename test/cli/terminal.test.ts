import { describe, expect, it } from 'vitest';
import { commandOf, withCommand } from '../../src/cli/invocation.ts';
import { nearest } from '../../src/agent/nearest.ts';
import { colorful } from '../../src/cli/terminal.ts';

describe('colours', () => {
  it('are for terminals that can, and off where somebody says so', () => {
    expect(colorful(true, { TERM: 'xterm' })).toBe(true);
    expect(colorful(true, { TERM: 'dumb' })).toBe(false);
    expect(colorful(false, { TERM: 'xterm' })).toBe(false);
    expect(colorful(true, { TERM: 'xterm', NO_COLOR: '1' })).toBe(false);
    expect(colorful(true, { TERM: 'xterm', NO_COLOR: '' })).toBe(true);
    expect(colorful(false, { FORCE_COLOR: '1' })).toBe(true);
    expect(colorful(true, { FORCE_COLOR: '0' })).toBe(false);
    expect(colorful(true, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });
});

describe('a command that is suggested', () => {
  it('can be pasted as the CLI was called', () => {
    expect(commandOf('/opt/bin/amdahl', '/usr/bin/node', { PATH: '/usr/bin:/opt/bin' })).toBe('amdahl');
    expect(commandOf('/home/me/app/node_modules/.bin/amdahl', '/usr/bin/node', { PATH: '/usr/bin' })).toBe('npx amdahl');
    expect(commandOf('/cache/node_modules/.bin/amdahl', '/usr/bin/node', { PATH: '/cache/node_modules/.bin', npm_command: 'exec' })).toBe(
      'npx amdahl',
    );
    expect(commandOf('/elsewhere/src/cli/main.ts', '/usr/bin/node', {})).toBe('node /elsewhere/src/cli/main.ts');
    expect(commandOf('/elsewhere/src/cli/main.ts', '/elsewhere/node_modules/node/bin/node', {})).toBe(
      'npx node /elsewhere/src/cli/main.ts',
    );
  });
});

describe('a message of the runtime', () => {
  it('names its commands as they can be pasted here, and leaves everything else alone', () => {
    expect(withCommand('all of it is in: amdahl show x-1', 'npx amdahl')).toBe('all of it is in: npx amdahl show x-1');
    expect(withCommand('(amdahl resume x), amdahl runs', 'node main.ts')).toBe('(node main.ts resume x), node main.ts runs');
    for (const text of ['npx amdahl show x', '/opt/amdahl run it', 'amdahl needs Node', 'amdahl running'])
      expect(withCommand(text, 'npx amdahl')).toBe(text);
  });
});

describe('the nearest name', () => {
  it('is one that is a slip away, and none where nothing is like it', () => {
    expect(nearest('revew', ['review', 'sweep'])).toBe('review');
    expect(nearest('SWEEP', ['review', 'sweep'])).toBe('sweep');
    expect(nearest('banana', ['review', 'sweep'])).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});
