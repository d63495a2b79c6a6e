// What each fault of the model server comes to, on every wire, whole and streamed: the expectations of the conformance
// table, one for every fault there is.

import type { ErrorCode } from '../../src/index.ts';
import type { FaultName } from '../../src/modelServer/faults.ts';
import type { Protocol } from '../../src/modelServer/wire.ts';

/**
 * What becomes of a request that meets a fault. `again`: the gate sends it again, until it gives up with the code.
 * `final`: it fails with the code at once. `withheld`: the answer is recorded, and the call fails with the code.
 * `repaired`: the answer is recorded and refused, and the model is asked to mend it. `taken`: the answer is right all the same.
 */
export type Fate =
  | { readonly fate: 'again'; readonly code: ErrorCode; readonly unseen?: true }
  | { readonly fate: 'final' | 'withheld'; readonly code: ErrorCode }
  | { readonly fate: 'repaired' | 'taken' };

const again = (code: ErrorCode): Fate => ({ fate: 'again', code });
const final = (code: ErrorCode): Fate => ({ fate: 'final', code });
const withheld = (code: ErrorCode): Fate => ({ fate: 'withheld', code });
const repaired: Fate = { fate: 'repaired' };
const taken: Fate = { fate: 'taken' };

type Where = { readonly wire: Protocol; readonly stream: boolean };

export const FATES: Readonly<Record<FaultName, Fate | ((where: Where) => Fate)>> = {
  '400': final('MODEL_BAD_REQUEST'),
  '401': final('MODEL_UNAUTHORIZED'),
  '403': final('MODEL_UNAUTHORIZED'),
  '404': final('MODEL_BAD_REQUEST'),
  '408': again('MODEL_TIMEOUT'),
  '409': again('MODEL_UNAVAILABLE'),
  '413': final('MODEL_CONTEXT_OVERFLOW'),
  '422': final('MODEL_BAD_REQUEST'),
  '429': again('MODEL_RATE_LIMITED'),
  '500': again('MODEL_UNAVAILABLE'),
  '502': again('MODEL_UNAVAILABLE'),
  '503': again('MODEL_OVERLOADED'),
  '504': again('MODEL_UNAVAILABLE'),
  '529': again('MODEL_OVERLOADED'),
  quotaUsedUp: final('MODEL_RATE_LIMITED'),
  contextOverflow: final('MODEL_CONTEXT_OVERFLOW'),
  reset: again('MODEL_UNAVAILABLE'),
  // The server sees the connection that it resets, and none that the system refuses for it.
  refuse: { fate: 'again', code: 'MODEL_UNAVAILABLE', unseen: true },
  hang: again('MODEL_TIMEOUT'),
  stall: again('MODEL_TIMEOUT'),
  cut: again('MODEL_GARBAGE'),
  cutReset: again('MODEL_GARBAGE'),
  cutClean: again('MODEL_GARBAGE'),
  errorEvent: ({ stream }) => again(stream ? 'MODEL_OVERLOADED' : 'MODEL_UNAVAILABLE'),
  garbage: again('MODEL_GARBAGE'),
  html: again('MODEL_GARBAGE'),
  html502: again('MODEL_UNAVAILABLE'),
  emptyBody: again('MODEL_GARBAGE'),
  // Chat has no choice then, which its package refuses (openai-chat-language-model.ts: 'Response did not contain any
  // choices.'; streamed it ends without a reason). The others have an answer that is done and says nothing.
  empty: ({ wire }) => (wire === 'openai.chat' ? again('MODEL_GARBAGE') : repaired),
  unknownFinish: taken,
  length: repaired,
  // Anthropic has one stop reason for a model that refuses and for a classifier that steps in. Its package keeps the
  // difference apart from the reason, in its metadata (anthropic-message-metadata.ts, stopDetails).
  filter: ({ wire }) => withheld(wire === 'anthropic.messages' ? 'MODEL_REFUSED' : 'MODEL_FILTERED'),
  // A refusal in Responses ends an answer that is complete, so there is no reason to tell: the package says
  // 'content-filter' with nothing behind it (map-openai-responses-finish-reason.ts). That something was said tells it apart.
  refusal: withheld('MODEL_REFUSED'),
  truncatedJson: repaired,
  wrongJson: repaired,
  prose: repaired,
  proseAround: taken,
};
