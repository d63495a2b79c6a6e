// What the desk of chatPeople.ts pays back: a file, which takes each key once. In yours the service that moves the money.

import { appendFile, readFile } from 'node:fs/promises';

const file = process.env['REFUNDS'] ?? 'refunds.jsonl';

export const refunds = {
  /** The same key again is the same refund. */
  async pay(key: string, order: string, cents: number): Promise<string> {
    const paid = (await this.all()).find((one) => one.key === key);
    if (paid === undefined) await appendFile(file, `${JSON.stringify({ key, order, cents })}\n`);
    return `${order}: ${cents} cents are paid back`;
  },

  async all(): Promise<readonly { readonly key: string; readonly order: string; readonly cents: number }[]> {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { key: string; order: string; cents: number }); // its own lines
  },
};
