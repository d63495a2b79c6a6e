import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { type Late, type Patience, Watch } from '../../src/model/watch.ts';
import { systemClock } from '../../src/run/ports.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Fetches under a watch: the body, or what was late. */
async function watchedFetch(url: string, patience: Partial<Patience>): Promise<string> {
  const abort = new AbortController();
  let what: Late | undefined;
  const watch = new Watch({ connectMs: 60_000, idleMs: 60_000, requestMs: 60_000, ...patience }, systemClock, (late) => {
    what = late;
    abort.abort();
  });
  try {
    return await watch.over(async () => (await fetch(url, { method: 'POST', body: 'x', signal: abort.signal })).text());
  } catch (error) {
    if (what === undefined) throw error;
    return what;
  } finally {
    watch.stop();
  }
}

test('an answer in time is heard through, in all its phases', async () => {
  const url = await serve((response) => {
    response.write('a');
    setTimeout(() => response.end('b'), 20);
  });
  const phases: string[] = [];
  const watch = new Watch({ connectMs: 60_000, idleMs: 60_000, requestMs: 60_000 }, systemClock, () => {});
  const enter = watch.enter.bind(watch);
  watch.enter = (one, phase, response) => {
    phases.push(watch.phase, phase);
    enter(one, phase, response);
  };
  expect(await watch.over(async () => (await fetch(url)).text())).toBe('ab');
  watch.stop();
  expect(phases).toEqual(['connecting', 'sent', 'sent', 'answering']);
});

test('silence in the middle of an answer is told from thinking before it', async () => {
  const silent = await serve((response) => void response.write('a'));
  expect(await watchedFetch(silent, { idleMs: 60 })).toBe('idleMs');
  const thinking = await serve((response) => void setTimeout(() => response.end('done'), 200));
  expect(await watchedFetch(thinking, { idleMs: 60 })).toBe('done');
});

test('an answer that drips is not silent, and is ended by its whole time', async () => {
  const url = await serve((response) => {
    const timer = setInterval(() => response.write('.'), 10);
    response.on('close', () => clearInterval(timer));
  });
  expect(await watchedFetch(url, { idleMs: 2_000, requestMs: 300 })).toBe('requestMs');
});

test('a connection that never stands is told', async () => {
  // Accepts what comes and says nothing: TLS waits for its first word.
  const mute = createTcpServer(() => {});
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  try {
    expect(await watchedFetch(`https://127.0.0.1:${(mute.address() as AddressInfo).port}/`, { connectMs: 60 })).toBe('connectMs');
  } finally {
    mute.close();
  }
});

test('requests that run side by side are watched one by one', async () => {
  const silent = await serve((response) => void response.write('a'));
  const good = await serve((response) => void setTimeout(() => response.end('done'), 150));
  expect(await Promise.all([watchedFetch(silent, { idleMs: 60 }), watchedFetch(good, { idleMs: 60 })])).toEqual(['idleMs', 'done']);
});

test('what is heard of no socket is only held to its whole time; one that was stopped ends nothing', () => {
  const clock = new VirtualClock();
  const late: Late[] = [];
  const patience = { connectMs: 10, idleMs: 10, requestMs: 1_000 };
  new Watch(patience, clock, (what) => late.push(what));
  new Watch(patience, clock, () => late.push('connectMs')).stop();
  return clock.drive(
    (async () => {
      await clock.sleep(999);
      expect(late).toEqual([]);
      await clock.sleep(2);
      expect(late).toEqual(['requestMs']);
    })(),
  );
});

test('what a busy process did not hear in time is heard before it judges', async () => {
  const url = await serve((response) => void setTimeout(() => response.end('done'), 20));
  const fetched = watchedFetch(url, { requestMs: 60 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const until = Date.now() + 200;
  while (Date.now() < until); // nothing is heard meanwhile
  expect(await fetched).toBe('done');
});

test('a stream is not silent before it said something, however early its headers come', async () => {
  const url = await serve((response) => {
    response.write(': thinking');
    setTimeout(() => response.end('done'), 200);
  });
  const late: Late[] = [];
  const watch = new Watch({ connectMs: 60_000, idleMs: 60, requestMs: 60_000 }, systemClock, (what) => late.push(what));
  watch.streams();
  expect(await watch.over(async () => (await fetch(url)).text())).toBe(': thinkingdone');
  expect(late).toEqual([]);
  watch.said();
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(late).toEqual(['idleMs']);
});

test('what a package fetches beside or before its request does not judge the request', async () => {
  const mute = createTcpServer(() => {});
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const quick = await serve((response) => response.end('a file'));
  const slow = await serve((response) => void setTimeout(() => response.end('done'), 250));
  const late: Late[] = [];
  const watch = new Watch({ connectMs: 100, idleMs: 60, requestMs: 60_000 }, systemClock, (what) => late.push(what));
  const abort = new AbortController();
  const answer = await watch.over(async () => {
    await (await fetch(quick)).text();
    await new Promise((resolve) => setTimeout(resolve, 120));
    const answering = fetch(slow);
    // Beside it, somebody reports to a host that never answers.
    fetch(`https://127.0.0.1:${(mute.address() as AddressInfo).port}/`, { signal: abort.signal }).catch(() => {});
    return await (await answering).text();
  });
  expect([answer, late]).toEqual(['done', []]);
  watch.stop();
  abort.abort();
  mute.close();
});
