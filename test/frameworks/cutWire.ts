// A wire between a browser and one of several servers that breaks where a test says: after so many bytes of a streamed
// answer it is cut, and what connects next reaches the next server. Bytes pass as they are.

import { connect, createServer, type Socket } from 'node:net';

export interface CutWire {
  readonly url: string;
  /** How often a streamed answer was cut so far. */
  readonly cuts: () => number;
  /** What connects from now on reaches these in turn, one after each cut. */
  readonly to: (urls: readonly string[]) => void;
  /** The next streamed answers are cut after so many bytes, one each. */
  readonly cutAfter: (bytes: readonly number[]) => void;
  readonly close: () => Promise<void>;
}

export async function openWire(): Promise<CutWire> {
  const sockets = new Set<Socket>();
  let servers: readonly string[] = [];
  let planned: number[] = [];
  let cuts = 0;
  const wire = createServer((near) => {
    const { hostname, port } = new URL(servers[cuts % servers.length] ?? 'http://127.0.0.1:1');
    const far = connect(Number(port), hostname);
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    let streamed: number | undefined;
    far.on('data', (chunk: Buffer) => {
      if (streamed === undefined && chunk.includes('content-type: text/event-stream')) streamed = 0;
      if (streamed === undefined) return near.write(chunk);
      const before = streamed;
      streamed += chunk.length;
      const [at] = planned;
      if (at === undefined || streamed < at) return near.write(chunk);
      planned = planned.slice(1);
      cuts += 1;
      return near.write(chunk.subarray(0, Math.max(0, at - before)), cut);
    });
    near.on('data', (chunk: Buffer) => far.write(chunk));
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  const address = wire.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    cuts: () => cuts,
    to: (urls) => {
      servers = urls;
    },
    cutAfter: (bytes) => {
      planned = [...bytes];
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => wire.close(resolve));
    },
  };
}
