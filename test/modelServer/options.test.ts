import { describe, expect, it } from 'vitest';
import { startModelServer } from '../../src/testing.ts';
import { serving } from './bareClient.ts';

describe('options', () => {
  it('that make no sense are refused with their name', async () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ prot: 1 }, /an option 'prot'.*did you mean 'port'/],
      [{ port: 70_000 }, /port 70000/],
      [{ seed: 0.5 }, /seed 0.5/],
      [{ models: [] }, /models is no list/],
      [{ contextTokens: 0 }, /contextTokens is 0/],
      [{ delay: -1 }, /delay is -1/],
      [{ delay: { medianMs: 100 } }, /median but no spread/],
      [{ delay: { medianMs: 100, p99Ms: 50 } }, /p99Ms is 50/],
      [{ delay: { first: 1 } }, /'first'.*did you mean 'firstMs'/],
      [{ throttle: {} }, /limits nothing/],
      [{ throttle: { requestsPerMinute: 0.5 } }, /without burstRequests is 0.5/],
      [{ throttle: { requestsPerMinute: 5, headers: 'loud' } }, /'loud'/],
      [{ faults: { hangs: 0.1 } }, /'hangs'.*did you mean 'hang'/],
      [{ faults: { hang: 2 } }, /share 2/],
      [{ faults: { hang: 0.6, reset: 0.6 } }, /1.2 together/],
      [{ faults: { hang: { share: 0.1, retryAfterMs: 3 } } }, /the fault hang takes no retryAfterMs/],
      [{ faults: { hang: { share: 0.1, ms: 3 } } }, /'ms'/],
      [{ faults: { '500': { share: 1, forMs: 5 } } }, /500 takes no forMs.*refuse, hang, stall do/],
      [{ faults: { reset: { share: 1, atByte: 5 } } }, /reset takes no atByte/],
      [{ faults: { '500': '0.5' } }, /faults.500 has the share '0.5'/],
      [{ faults: null }, /faults of .* was given null/],
      [{ faults: ['500'] }, /faults of .* was given a list/],
      [{ answers: 'hello' }, /answers is 'hello'.*\['hello'\], or a function/],
      [{ answers: null }, /answers is null/],
      [{ answers: ['fine', { txet: 'x' }] }, /answers\[1\] .*'txet'.*did you mean 'text'/],
      [{ answers: [{ tools: [['search', {}]] }] }, /answers\[0\] .* has tools that are no list of calls.*\{ name: 'search'/],
      [{ answers: [5] }, /answers\[0\] .*was given a number/],
      [{ delay: null }, /delay is null/],
      [{ delay: '200' }, /delay is '200'.*ms as a number/],
      [{ delay: {} }, /delays nothing/],
      [{ delay: { medianMs: 10, sigma: 1, p99Ms: 20 } }, /two spreads/],
      [{ throttle: 60 }, /throttle of .* was given a number/],
      [{ throttle: { tokensPerMinute: 5, burstRequests: 1 } }, /burstRequests does nothing without requestsPerMinute/],
      [{ throttle: { requestsPerMinute: 5, burstTokens: 1 } }, /burstTokens does nothing/],
      [{ throttle: { requestsPerMinute: 5, headers: [] } }, /headers is empty/],
      [{ throttle: { requestsPerMinute: 5, headers: ['bare', 'announced'] } }, /'bare' beside others/],
      [{ log: 5 }, /log is 5.*path of a file, or a function/],
      [{ log: '/nowhere/at/all/log.jsonl' }, /log \/nowhere\/at\/all\/log.jsonl .* cannot be written/],
      [{ host: 5 }, /host is 5/],
      [{ port: '80' }, /port '80'/],
      [{ models: 'm' }, /models is no list/],
      [{ keys: [1] }, /keys has 1/],
      [{ keys: [''] }, /keys has ''/],
      [{ clock: {} }, /clock is none.*now\(\)/],
    ];
    for (const [options, message] of wrong) {
      await expect(startModelServer(options as Parameters<typeof startModelServer>[0])).rejects.toMatchObject({
        code: 'MISCONFIGURED',
        message: expect.stringMatching(message),
      });
    }
  });

  it('that name a port in use are refused with what to do', async () => {
    const { port } = await serving();
    await expect(startModelServer({ port })).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/EADDRINUSE.*any free one/),
    });
  });
});
