import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';
import { Client, Service } from './service.ts';

let service: Service;
let client: Client;
beforeAll(async () => {
  service = await Service.open();
  client = new Client(service.port);
});
beforeEach(() => {
  service.ledger = new Ledger();
});
afterAll(async () => {
  client.close();
  await service.close();
});

describe('the service that effects act on', () => {
  it('does what it is asked as often as it is asked, where keys mean nothing to it', async () => {
    await client.do('plain', 'note', { text: 'a' }, 'k1');
    await client.do('plain', 'note', { text: 'a' }, 'k1');
    expect(service.ledger.standing).toEqual(['note {"text":"a"}', 'note {"text":"a"}']);
    expect([service.ledger.timesSent('k1'), service.ledger.timesDone('k1')]).toEqual([2, 2]);
  });

  it('does a key once where it takes keys, and gives the same again', async () => {
    const first = await client.do('idempotent', 'note', { text: 'a' }, 'k1');
    expect(await client.do('idempotent', 'note', { text: 'a' }, 'k1')).toEqual(first);
    expect([service.ledger.timesSent('k1'), service.ledger.timesDone('k1')]).toEqual([2, 1]);
  });

  it('tells by key whether something was done, where it can', async () => {
    expect(await client.wasDone('verifiable', 'note', 'k1')).toEqual({ done: false });
    const result = await client.do('verifiable', 'note', { text: 'a' }, 'k1');
    expect(await client.wasDone('verifiable', 'note', 'k1')).toEqual({ done: true, result });
    await expect(client.wasDone('plain', 'note', 'k1')).rejects.toThrow('405');
  });

  it('takes back by key, and gives what is done again the id that it had', async () => {
    const { id } = await client.do('plain', 'note', { text: 'a' }, 'k1');
    await client.undo('plain', 'note', 'k1');
    await client.undo('plain', 'note', 'k1');
    expect(service.ledger.standing).toEqual([]);
    expect(await client.do('plain', 'note', { text: 'a' }, 'k2')).toEqual({ id });
    expect(await client.do('plain', 'note', { text: 'a' }, 'k3')).not.toEqual({ id });
  });

  it('loses an answer after the deed, refuses before it, and is not reached, as it is told', async () => {
    service.ledger.expect('note', 'answer lost');
    await expect(client.do('plain', 'note', { text: 'a' }, 'k1')).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(service.ledger.timesDone('k1')).toBe(1);
    service.ledger.expect('note', 'refused');
    await expect(client.do('plain', 'note', { text: 'b' }, 'k2')).rejects.toThrow('500');
    service.ledger.expect('note', 'not arrived');
    await expect(client.do('plain', 'note', { text: 'b' }, 'k2')).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect([service.ledger.timesSent('k2'), service.ledger.timesDone('k2')]).toEqual([2, 0]);
  });
});
