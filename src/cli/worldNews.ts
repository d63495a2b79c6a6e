// What is worth a line while a run goes on: effects as they are committed, what nobody knows of, and questions to people. Pure but for
// the command it names; watch.ts asks for every event, after progress has taken it.

import type { Event } from '../journal/event.ts';
import { openAsksIn, type Progress } from './progress.ts';
import { clipLine, visibleInLine } from './quantities.ts';
import { answerCommand, argsText, parkedText, resultText } from './worldText.ts';

/** `waits`: it is told only if it still holds after a moment, for the run may end with it and say so in full. */
export interface News {
  readonly mark: string;
  readonly text: string;
  /** Is never cut. */
  readonly end?: string;
  readonly waits: boolean;
}

const TEXT_COLUMNS_MAX = 300;
const QUESTION_COLUMNS_MAX = 160;

/** Undefined where an event is none. */
export function newsOf(event: Event, progress: Progress): News | undefined {
  switch (event.kind) {
    case 'effect.committed': {
      const effect = progress.effects.get(event.key);
      // What a model does as it goes is no news; what a confirmed call does is.
      if (effect?.effect !== 'staged') return undefined;
      const end = effect.result === undefined ? '' : ` → ${resultText(effect.result)}`;
      return { mark: '✓', text: clipLine(`committed ${effect.tool} ${argsText(effect)}${end}`, TEXT_COLUMNS_MAX), waits: false };
    }
    case 'effect.uncertain': {
      const effect = progress.effects.get(event.key);
      if (effect === undefined) return undefined;
      const threw = event.error === undefined ? '' : `: ${event.error.message}`;
      return {
        mark: '✗',
        text: clipLine(`nobody knows whether ${effect.tool} ${argsText(effect)} happened${threw}`, TEXT_COLUMNS_MAX),
        waits: false,
      };
    }
    case 'ask.opened':
      return {
        mark: '?',
        text: `asks: ${clipLine(event.question, QUESTION_COLUMNS_MAX)}`,
        end: `  ${answerCommand(event.ask)}`,
        waits: true,
      };
    case 'ask.answered':
      return { mark: '✓', text: `answered${who(event.by)}: ${questionOf(event.ask, progress)}`, waits: false };
    case 'ask.refused':
      return { mark: '✗', text: `refused${who(event.by)}: ${questionOf(event.ask, progress)}`, waits: false };
    case 'ask.expired':
      return { mark: '✗', text: `nobody answered in time: ${questionOf(event.ask, progress)}`, waits: false };
    case 'run.parked':
      return { mark: '?', text: `${parkedText(openAsksIn(progress).length)}; nothing else can go on`, waits: true };
    default:
      return undefined;
  }
}

function who(by: string | undefined): string {
  return by === undefined ? '' : ` by ${visibleInLine(by)}`;
}

function questionOf(ask: Parameters<Progress['asks']['get']>[0], progress: Progress): string {
  return clipLine(progress.asks.get(ask)?.question ?? ask, QUESTION_COLUMNS_MAX);
}
