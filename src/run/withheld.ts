// Answers that are not to be had: cut off by a budget, refused by a model, withheld by its provider. Called by
// conversation.ts and gateRequest.ts; asking the same again would not help.

import { AmdahlError } from '../agent/errors.ts';
import type { Reply } from '../model/loop.ts';

const GOES_ON = 'Raise the budget and resume: the conversation goes on where it stopped.';

/** An answer that a budget left no room for. */
export function cutByBudget(path: string, remedy: string = GOES_ON): AmdahlError {
  return new AmdahlError(
    'BUDGET_EXCEEDED',
    `The answer of '${path}' was cut off because its budget had no room for more output. ${remedy}`,
    {
      data: { cap: 'tokens', of: path },
    },
  );
}

/** An answer that the model or its provider would not give: the provider's own word says which. Pure. */
export function withheldBy(model: string, path: string, { finishRaw, content }: Reply): AmdahlError {
  const said = content
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('')
    .trim();
  const words = said === '' ? '' : ` It said: ${JSON.stringify(said.slice(0, 300))}.`;
  const data = { model, ...(finishRaw === undefined ? {} : { finish: finishRaw }) };
  // OpenAI's Responses package has no word of its own for a refusal, and passes on what was said; a filter says nothing.
  const filtered = finishRaw === undefined ? said === '' : /filter|safety|block|prohibited|recitation|spii/i.test(finishRaw);
  return filtered
    ? new AmdahlError(
        'MODEL_FILTERED',
        `The provider withheld what ${model} answered to '${path}' (content filter).${words} Look at what was asked, or give it to another model.`,
        { data },
      )
    : new AmdahlError(
        'MODEL_REFUSED',
        `${model} refused to answer '${path}'.${words} Look at what was asked, or give it to another model.`,
        { data },
      );
}
