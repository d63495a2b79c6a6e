// The events of what is done to the world and of what people are asked. Members of the one union in event.ts, whose rules hold
// here too.

import type { Json } from '../agent/canonical.ts';
import type { ErrorRecord } from '../agent/errors.ts';
import type { AskId, Place } from './ids.ts';

/**
 * What is done to the world, at the place of the tool call or of the act of a step. `key` names the effect for good: it is the
 * same in every attempt that does the same. `calls` are the call it serves and all above, innermost first; `attempt` is the
 * attempt of that call (design §4 "Effects", I5).
 */
export type EffectEvent =
  /** It will be done once its holder is confirmed. `args` may have receipts of effects staged before. */
  | {
      readonly kind: 'effect.staged';
      readonly place: Place;
      readonly calls: readonly Place[];
      readonly attempt: Place;
      readonly path: string;
      readonly tool: string;
      readonly key: string;
      readonly args: Json;
      /** What stands for its result until there is one. */
      readonly receipt: string;
      /** A person must approve of it first. */
      readonly approve?: true;
      /** What its contract made of `args` then, where that is something else and a person is to see it. */
      readonly contracted?: Json;
      /** In epoch ms: later than this it may not begin without a person saying so. */
      readonly staleAt?: number;
    }
  /** Durable before it starts. `args` are those that it is called with: receipts are replaced. */
  | {
      readonly kind: 'effect.committing';
      readonly place: Place;
      readonly calls: readonly Place[];
      readonly attempt: Place;
      readonly path: string;
      readonly tool: string;
      readonly key: string;
      readonly args: Json;
      /** Immediate effects are not staged before. */
      readonly effect: 'staged' | 'immediate';
    }
  /** It came back: with a result, or for immediate ones by throwing. `how`: known by its service or a person, not by coming back. */
  | {
      readonly kind: 'effect.committed';
      readonly place: Place;
      readonly calls: readonly Place[];
      readonly key: string;
      readonly result?: Json;
      readonly how?: 'verified' | 'person';
    }
  /** It started and nobody here knows whether it happened. `error`: what it threw. */
  | {
      readonly kind: 'effect.uncertain';
      readonly place: Place;
      readonly calls: readonly Place[];
      readonly key: string;
      readonly error?: ErrorRecord;
    }
  /** It is not done, and never was. */
  | {
      readonly kind: 'effect.discarded';
      readonly place: Place;
      readonly calls: readonly Place[];
      readonly key: string;
      readonly why: string;
    }
  /** What it did was taken back by its `undo`. */
  | { readonly kind: 'effect.undone'; readonly place: Place; readonly calls: readonly Place[]; readonly key: string };

/**
 * 'human': an agent that is a person. 'approval': whether one effect, with these very arguments, may be done. 'effect': what became
 * of an effect that nobody here knows of, or that failed while others were done. 'budget': more of it, or not. 'diverged': a
 * run that went another way than its effects.
 */
export type AskKind = 'human' | 'approval' | 'effect' | 'budget' | 'diverged';

/** A question to a person, at the asker's place. */
export type AskEvent =
  | {
      readonly kind: 'ask.opened';
      readonly place: Place;
      readonly ask: AskId;
      readonly of: AskKind;
      /** The call it stops and all above, innermost first; empty where it stops the run itself. */
      readonly calls: readonly Place[];
      readonly path: string;
      /** For people. */
      readonly question: string;
      /** What it is about: the input of a human, tool, arguments and key of an effect, sums of a budget. */
      readonly about: Json;
      /** JSON Schema of an answer; any text where none is given. */
      readonly form?: Json;
      /** In epoch ms. */
      readonly expiresAt?: number;
    }
  | { readonly kind: 'ask.answered'; readonly place: Place; readonly ask: AskId; readonly value: Json; readonly by?: string }
  | { readonly kind: 'ask.refused'; readonly place: Place; readonly ask: AskId; readonly reason: string; readonly by?: string }
  | { readonly kind: 'ask.expired'; readonly place: Place; readonly ask: AskId }
  /** Nobody needs an answer any more. */
  | { readonly kind: 'ask.withdrawn'; readonly place: Place; readonly ask: AskId; readonly why: string };
