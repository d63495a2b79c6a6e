// How a conversation begins: the agent's instructions, then its input. Pure and byte-stable: the same agent and input give
// the same bytes, so that provider caches hit and a resume sends what was sent before. Called by run/ for a fresh attempt
// and by whoever shows what would be sent.
//
// What many calls share comes first: the instructions, then, in the message of the user, the fields that the agent names in
// `cache`, or what its own prompt marks. The part with which that ends is marked (endsShared), also in the journal.

import type { LanguageModelV4FilePart, LanguageModelV4Message, LanguageModelV4TextPart } from '@ai-sdk/provider';
import type { ModelBehaviour } from '../agent/agent.ts';
import { type Attachment, isAttachment } from '../agent/attachment.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { attachmentsIn } from '../agent/files.ts';
import type { Message } from '../agent/messages.ts';
import type { Part } from '../agent/prompt.ts';
import { type FileOf, historyOf } from './history.ts';
import { inputPieces, type Piece } from './inputPieces.ts';
import type { Fixed } from './render.ts';

export type UserPart = LanguageModelV4TextPart | LanguageModelV4FilePart;

/** What an agent's input becomes a prompt with. */
export interface Given {
  readonly agent: string;
  readonly input: unknown;
  readonly context: unknown;
  /** The provider does not pass on the form of the answer. */
  readonly formless: boolean;
}

/** A conversation's beginning in which attachments are still what they are called. */
export interface Draft {
  readonly system: LanguageModelV4Message;
  /** What follows it. */
  readonly rest: (fileOf: FileOf) => readonly LanguageModelV4Message[];
  /** The attachments in it. */
  readonly attachments: readonly Attachment[];
}

/**
 * The first messages, before their files are there.
 * @throws AmdahlError NOT_JSON for an input that a model cannot be shown, CODE_FAILED for a prompt that throws or gives no prompt.
 */
export function draft(fixed: Fixed, { rendering }: Pick<ModelBehaviour, 'rendering'>, given: Given): Draft {
  const { first, prompt } = rendering;
  const system = given.formless ? fixed.instructionsWithForm : fixed.instructions;
  if (prompt === undefined && fixed.isConversation) {
    const history = given.input as readonly Message[]; // what the contract of conversations let through
    return { system, rest: (fileOf) => historyOf(history, fileOf), attachments: attachmentsIn(history) };
  }
  const pieces =
    prompt === undefined
      ? inputPieces(given.input, { first, onlyText: fixed.onlyText })
      : ownPieces(() => prompt(given.input, given.context), given.agent);
  const attachments = pieces.flatMap((piece) => ('attachment' in piece ? [piece.attachment] : []));
  const rest = (fileOf: FileOf): readonly LanguageModelV4Message[] => [
    { role: 'user', content: pieces.map((piece) => ('attachment' in piece ? fileOf(piece.attachment) : textPart(piece))) },
  ];
  return { system, rest, attachments };
}

/** The first messages: instructions, then the input. `fileOf` knows the draft's attachments. */
export function opening({ system, rest }: Draft, fileOf: FileOf): LanguageModelV4Message[] {
  return [system, ...rest(fileOf)];
}

/** The mark itself: no provider reads options of this name. */
const MARK = { amdahl: { cache: true } } as const;

function textPart({ text, isShared }: Exclude<Piece, { attachment: Attachment }>): LanguageModelV4TextPart {
  return { type: 'text', text, ...(isShared === true ? { providerOptions: MARK } : {}) };
}

/** Whether the prefix that many calls of an agent share ends with this part of an opening. Pure. */
export function endsShared({ providerOptions }: Pick<UserPart, 'providerOptions'>): boolean {
  return providerOptions?.['amdahl']?.['cache'] === true;
}

/** What an agent's own prompt gives, held to what it may give. */
function ownPieces(make: () => unknown, agent: string): readonly Piece[] {
  let made: unknown;
  try {
    made = make();
  } catch (cause) {
    if (cause instanceof AmdahlError) throw cause;
    throw new AmdahlError('CODE_FAILED', `The prompt of '${agent}' threw: ${describe(cause)}`, { cause });
  }
  if (made instanceof Promise) made.catch(() => {}); // what it comes to is nobody's
  if (made === '' || (Array.isArray(made) && made.length === 0))
    throw new AmdahlError('CODE_FAILED', `The prompt of '${agent}' is empty. Let it give text, or a list of texts and attachments.`);
  if (typeof made === 'string') return [{ text: made }];
  if (!Array.isArray(made)) throw noPart(made, agent);
  return made.map((part: unknown): Piece => {
    if (typeof part === 'string') return { text: part };
    if (isAttachment(part)) return { attachment: part };
    if (isCachedText(part)) return { text: part.text, isShared: true };
    throw noPart(part, agent);
  });
}

function isCachedText(part: unknown): part is Extract<Part, { cache: true }> {
  return (
    typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string' && 'cache' in part && part.cache === true
  );
}

function noPart(found: unknown, agent: string): AmdahlError {
  return new AmdahlError(
    'CODE_FAILED',
    `The prompt of '${agent}' gives ${found instanceof Promise ? 'a promise (fetch what it needs before, as input or context)' : kindOf(found)} where text belongs, an attachment of file(), or { text, cache: true }.`,
  );
}
