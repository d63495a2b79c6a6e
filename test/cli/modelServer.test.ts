import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import pc from 'picocolors';
import { recordText } from '../../src/cli/modelServerCommand.ts';
import { modelServerOptions, parseFaults, parseLatency } from '../../src/cli/modelServerOptions.ts';
import { FAULTS } from '../../src/modelServer/faults.ts';
import { linesOf, place, type Running } from './cli.ts';

async function ask(port: number, text: string, turn?: string): Promise<{ readonly status: number; readonly body: string }> {
  return await new Promise((resolve, reject) => {
    const headers = turn === undefined ? {} : { 'x-amdahl-turn': turn };
    const req = request({ port, host: '127.0.0.1', path: '/v1/chat/completions', method: 'POST', agent: false, headers }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    });
    req.on('error', reject);
    req.end(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }] }));
  });
}

/** The port of a server that has said where it is. */
async function portOf(running: Running): Promise<number> {
  let told = '';
  running.child.stderr?.on('data', (chunk: string) => (told += chunk));
  await running.said('Ctrl-C stops it');
  return Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(told)?.[1]);
}

describe('amdahl model-server', () => {
  it('says where it is and that it asks no model, shows each request, and ends with its sums at Ctrl-C', async () => {
    const running = place().start(['model-server', '--seed', '3']);
    const port = await portOf(running);
    expect(await ask(port, 'hello', 'turn-7')).toMatchObject({ status: 200 });
    running.child.kill('SIGINT');
    const { code, out, err } = await running.ended;
    expect(code).toBe(0);
    expect(err).toContain('asks no model');
    expect(err).toContain(`OPENAI_BASE_URL=http://127.0.0.1:${port}/v1`);
    expect(err).toContain(`ANTHROPIC_BASE_URL=http://127.0.0.1:${port}/v1`);
    expect(out).toMatch(/^#0 {2}200 {2}openai\.chat m {2}\d+ in, \d+ out .* turn-7$/m);
    expect(err).toMatch(/1 request, 1 answered; at most 1 at once/);
  });

  it('answers from a file, misbehaves as told, and writes lines of JSON', async () => {
    const { start, write, dir } = place();
    write('answers.json', JSON.stringify(['first', { text: 'second' }]));
    const running = start([
      'model-server',
      '--answers',
      'answers.json',
      '--rpm',
      '2',
      '--limits',
      'retry-after',
      '--log',
      'log.jsonl',
      '--json',
    ]);
    const port = await portOf(running);
    expect((await ask(port, 'a')).body).toContain('first');
    expect((await ask(port, 'b')).body).toContain('second');
    expect((await ask(port, 'c')).status).toBe(429);
    running.child.kill('SIGTERM');
    const { code, out } = await running.ended;
    expect(code).toBe(0);
    expect(linesOf(out)).toMatchObject([
      { nth: 0, status: 200 },
      { nth: 1, status: 200 },
      { nth: 2, status: 429, refused: 'rate limited' },
      { stats: { requests: 3, acknowledged: 2 } },
    ]);
    expect(linesOf(readFileSync(join(dir, 'log.jsonl'), 'utf8'))).toHaveLength(3);
  });

  it('answers as a module says', async () => {
    const { start, write } = place();
    write('answers.mjs', 'export default ({ model }, nth) => `${model} ${nth}`;');
    const running = start(['model-server', '--answers', 'answers.mjs', '--fault', '500=0%']);
    expect((await ask(await portOf(running), 'a')).body).toContain('"m 0"');
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
  });

  it('shows what was asked for at a wrong base URL, and records what hangs at Ctrl-C', async () => {
    const { start, dir } = place();
    const running = start(['model-server', '--fault', 'hang=100%', '--log', 'log.jsonl']);
    const port = await portOf(running);
    await fetch(`http://127.0.0.1:${port}/v1/v2/models`);
    const hanging = ask(port, 'a').catch(() => undefined);
    let stats = '';
    while (!stats.includes('"inFlight":1,')) stats = await (await fetch(`http://127.0.0.1:${port}/stats`)).text();
    running.child.kill('SIGINT');
    const { code, out } = await running.ended;
    await hanging;
    expect(code).toBe(0);
    expect(out).toMatch(/^#0 {2}404 {2}GET \/v1\/v2\/models {2}.* unknown path$/m);
    expect(out).toMatch(/^#1 {2}--- .* fault hang$/m);
    expect(linesOf(readFileSync(join(dir, 'log.jsonl'), 'utf8'))).toMatchObject([{ nth: 0 }, { nth: 1, closed: 'server' }]);
  });

  it('lists every fault in its help, and how code switches them on and off', async () => {
    const { code, out } = await place().amdahl(['model-server', '--help']);
    expect(code).toBe(0);
    for (const name of Object.keys(FAULTS)) expect(out).toMatch(new RegExp(`^  ${name} +\\w`, 'm'));
    expect(out).toContain("startModelServer({ faults: () => (down ? '503' : undefined) })");
  });

  it('refuses options that say nothing, with an example', async () => {
    const { amdahl, write } = place();
    write('object.json', '{}');
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['--fault', 'half'], /--fault: 'half' is no fault/],
      [['--fault', 'hangs=5%'], /--fault has a fault 'hangs'.*did you mean 'hang'/],
      [['--fault', 'hang=60%,500=60%'], /--fault have shares of 1.2 together/],
      [['--fault', '500=120%'], /--fault.500 has the share 1.2/],
      [['--fault', 'garbage:5=1%'], /--fault: the fault garbage takes no forMs/],
      [['--rpm', '0'], /--rpm: '0' is no number of at least 1/],
      [['--tpm', '0'], /--tpm: '0' is no number above 0/],
      [['--port', '70000'], /--port: '70000' is no whole number from 0 to 65535/],
      [['--seed', '0.5'], /--seed: '0.5' is no whole number/],
      [['--context', '0'], /--context: '0' is no whole number from 1 on/],
      [['--key', ''], /--key is empty/],
      [['--latency', 'lognormal:0:1'], /--latency: '0' is no number above 0/],
      [['--rpm', '5', '--limits', 'bare,announced'], /--limits: bare tells nothing/],
      [['--log', 'no/such/dir/log'], /log no\/such\/dir\/log .* cannot be written/],
      [['--limits', 'announced'], /there are none/],
      [['--rpm', '5', '--limits', 'loud'], /'loud' is none of/],
      [['--latency', 'slow'], /--latency 200 or lognormal/],
      [['--answers', 'object.json'], /no list and no function/],
      [['--answers', 'missing.json'], /missing.json cannot be read/],
    ];
    for (const [args, message] of wrong) {
      const { code, err } = await amdahl(['model-server', ...args]);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(err).toMatch(message);
    }
  });
});

describe('the options of amdahl model-server', () => {
  it('give latencies and faults', () => {
    expect(parseLatency('200')).toBe(200);
    expect(parseLatency('lognormal:200:0.5')).toEqual({ medianMs: 200, sigma: 0.5 });
    expect(parseFaults(['500=5%', 'hang:30000=0.02, cut:7=1%', '429:1500=1%'])).toEqual({
      500: { share: 0.05 },
      hang: { share: 0.02, forMs: 30_000 },
      cut: { share: 0.01, atByte: 7 },
      429: { share: 0.01, retryAfterMs: 1_500 },
    });
    expect(() => parseFaults(['500=1%', '500=2%'])).toThrow('500 is given twice');
  });
});

describe('the bursts of amdahl model-server', () => {
  it('come with their limits, and with a host', async () => {
    const flags = { port: '0', host: '0.0.0.0', rpm: '0.5', rpmBurst: '3', tpm: '100k', tpmBurst: '10k' };
    expect(await modelServerOptions(flags)).toEqual({
      port: 0,
      host: '0.0.0.0',
      throttle: { requestsPerMinute: 0.5, burstRequests: 3, tokensPerMinute: 100_000, burstTokens: 10_000 },
    });
    for (const [odd, message] of [
      [{ rpmBurst: '3' }, '--rpm-burst does nothing without --rpm'],
      [{ tpmBurst: '3' }, '--tpm-burst does nothing without --tpm'],
      [{ rpm: '5', rpmBurst: '0' }, "--rpm-burst: '0' is no number of at least 1"],
      [{ host: '' }, '--host is empty'],
    ] as const) {
      await expect(modelServerOptions({ port: '0', ...odd })).rejects.toThrow(message);
    }
  });
});

describe('the line of a request', () => {
  it('says what went wrong, and lets nothing steer the terminal', () => {
    const line = recordText(
      {
        nth: 4,
        at: 0,
        tookMs: 20,
        method: 'POST',
        path: '/',
        protocol: 'openai.chat',
        model: 'm\u001b[31m',
        bytesIn: 0,
        bytesOut: 0,
        tokensIn: 2_000,
        tokensOut: 0,
        tokensCached: 1_024,
        tokensCacheWritten: 0,
        promptBytes: 0,
        cachedBytes: 0,
        sharedBytes: 0,
        sharedTokens: 0,
        status: 0,
        fault: 'hang',
        acknowledged: false,
        closed: 'client',
        inFlight: 1,
      },
      pc.createColors(false),
    );
    expect(line).toBe('#4  ---  openai.chat m\uFFFD[31m  2k (1k cached) in, 0 out  20 ms  fault hang  closed by the client');
  });
});
