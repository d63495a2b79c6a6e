// The page about herds shows what herds do: its plots and its table are what the command gives, to the byte.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KNOWN, measured } from '../../bench/herdEvidence.ts';
import { PAGE, plots, withTable } from '../../bench/herdPlots.ts';

const TIMEOUT_MS = 120_000;
const REMEDY = 'Run: node bench/herdPlots.ts';

describe('the page about herds', () => {
  it('shows the plots that the command draws', async () => {
    const page = readFileSync(PAGE, 'utf8');
    for (const [path, drawn] of await plots()) {
      expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined, `${path}: ${REMEDY}`).toBe(drawn);
      expect(page).toContain(`](${path.replace('docs/', '')})`);
    }
  });

  it(
    'has the table that the command writes',
    async () => {
      const page = readFileSync(PAGE, 'utf8');
      expect(page).toMatch(/\| The gate \|/);
      expect(await withTable(page), REMEDY).toBe(page);
    },
    TIMEOUT_MS,
  );

  it('can be read on a light and on a dark ground', async () => {
    for (const [path, drawn] of await plots()) {
      expect(drawn, path).toContain('@media (prefers-color-scheme: dark)');
      const [, light = '', dark = ''] = /<style>([\s\S]*?)@media[^{]*\{([\s\S]*?)<\/style>/.exec(drawn) ?? [];
      const classes = (css: string): readonly string[] => [...css.matchAll(/^\s*([.a-z]+) \{.*#/gm)].map(([, name = '']) => name);
      expect(classes(light).length).toBeGreaterThan(4);
      expect(classes(dark)).toEqual(classes(light));
    }
  });

  it('draws every request that came while it looks', async () => {
    for (const [path, drawn] of await plots()) {
      const [, requests = ''] = /: ([\d,]+) requests/.exec(drawn) ?? [];
      const bars = [...drawn.matchAll(/<rect class="(?:in|no)" .* height="([\d.]+)"\/>$/gm)].map(([, height = '']) => Number(height));
      const perRequest = (220 - 46 - 26) / 300;
      const shown = bars.reduce((sum, height) => sum + height, 0) / perRequest;
      expect(Math.abs(shown - Number(requests.replace(',', ''))), path).toBeLessThan(1);
    }
  });

  it('tells of the other scene what is measured there', async () => {
    const page = readFileSync(PAGE, 'utf8');
    for (const known of KNOWN.filter(({ name }) => ['full jitter', 'jitter and throttle, K = 2', 'one shared AIMD limit'].includes(name))) {
      const { requests, seconds } = await measured(known);
      expect(page, known.name).toContain(`${Math.round(requests)} requests and ${Math.round(seconds)} s`);
    }
  });
});
