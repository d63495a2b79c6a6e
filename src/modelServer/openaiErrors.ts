// Errors and the models listing of OpenAI, which its two protocols share.
// Facts: https://platform.openai.com/docs/guides/error-codes.

import { createdSeconds } from './said.ts';
import type { About, Trouble } from './wire.ts';

/** What a protocol calls the conversation. */
export type Input = 'messages' | 'input';

interface Form {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
}

/** How OpenAI answers to a trouble; `message` is its own text, taken where none is given. */
function formOf(trouble: Trouble, input: Input, { model = 'the model', tokens, tokensMax, limit = 'requests' }: About): Form {
  const invalid = 'invalid_request_error';
  switch (trouble) {
    case 'badRequest':
      return { status: 400, type: invalid, code: null, message: 'Invalid request.' };
    case 'unauthorized':
      return { status: 401, type: invalid, code: 'invalid_api_key', message: 'Incorrect API key provided.' };
    case 'unknownModel':
      return {
        status: 404,
        type: invalid,
        code: 'model_not_found',
        message: `The model \`${model}\` does not exist or you do not have access to it.`,
      };
    case 'contextOverflow': {
      const code = 'context_length_exceeded';
      return { status: 400, type: invalid, code, message: overflow(input, tokens, tokensMax) };
    }
    case 'tooLarge':
      return { status: 413, type: invalid, code: null, message: 'Request body too large.' };
    case 'rateLimited':
      return { status: 429, type: limit, code: 'rate_limit_exceeded', message: `Rate limit reached for ${model}.` };
    case 'quotaUsedUp': {
      // The type tells all ways to have no money left; the code tells which.
      const message = 'You exceeded your current quota, please check your plan and billing details.';
      return { status: 429, type: 'insufficient_quota', code: 'credit_balance_exhausted', message };
    }
    case 'overloaded': {
      const message = 'Our servers are currently overloaded. Please try again later.';
      return { status: 503, type: 'service_unavailable_error', code: 'server_is_overloaded', message };
    }
    case 'serverError': {
      const message = 'The server had an error while processing your request. Sorry about that!';
      return { status: 500, type: 'server_error', code: null, message };
    }
    case 'unavailable':
      return { status: 503, type: 'server_error', code: null, message: 'Service unavailable.' };
  }
}

/** Responses never tells the numbers; chat does, where somebody counted. */
function overflow(input: Input, tokens?: number, tokensMax?: number): string {
  if (input === 'input' || tokens === undefined || tokensMax === undefined) {
    return 'Your input exceeds the context window of this model. Please adjust your input and try again.';
  }
  return `This model's maximum context length is ${tokensMax} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`;
}

/** An error with its status. */
export function openaiError(trouble: Trouble, message: string, input: Input, about: About = {}): { status: number; body: unknown } {
  return { status: formOf(trouble, input, about).status, body: openaiErrorBody(trouble, message, input, about) };
}

export function openaiErrorBody(trouble: Trouble, message: string, input: Input, about: About = {}): { error: OpenaiError } {
  const form = formOf(trouble, input, about);
  const param = trouble === 'contextOverflow' ? input : trouble === 'unknownModel' ? 'model' : null;
  return { error: { message: message || form.message, type: form.type, param, code: form.code } };
}

interface OpenaiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

export function openaiModels(ids: readonly string[]): unknown {
  return {
    object: 'list',
    data: ids.map(openaiModel),
  };
}

export function openaiModel(id: string): unknown {
  return { id, object: 'model', created: createdSeconds(0), owned_by: 'system' };
}
