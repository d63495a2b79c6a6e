// Errors and the models listing of Anthropic. Facts: https://docs.anthropic.com/en/api/errors.

import type { About, Trouble } from './wire.ts';

interface Form {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

/** How Anthropic answers to a trouble; `message` is its own text, taken where none is given. */
function formOf(trouble: Trouble, { model = 'unknown', tokens, tokensMax }: About): Form {
  const invalid = 'invalid_request_error';
  switch (trouble) {
    case 'badRequest':
      return { status: 400, type: invalid, message: 'Invalid request.' };
    case 'unauthorized':
      return { status: 401, type: 'authentication_error', message: 'invalid x-api-key' };
    case 'unknownModel':
      return { status: 404, type: 'not_found_error', message: `model: ${model}` };
    case 'contextOverflow':
      return { status: 400, type: invalid, message: overflow(tokens, tokensMax) };
    case 'tooLarge':
      return { status: 413, type: 'request_too_large', message: 'Request exceeds the maximum size' };
    case 'rateLimited':
      return { status: 429, type: 'rate_limit_error', message: "This request would exceed your organization's rate limit." };
    case 'quotaUsedUp': {
      const message =
        'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.';
      return { status: 400, type: invalid, message };
    }
    case 'overloaded':
      return { status: 529, type: 'overloaded_error', message: 'Overloaded' };
    case 'serverError':
      return { status: 500, type: 'api_error', message: 'Internal server error' };
    case 'unavailable':
      return { status: 503, type: 'api_error', message: 'Service unavailable' };
  }
}

/** Without the numbers where nobody counted. */
function overflow(tokens?: number, tokensMax?: number): string {
  const text = 'prompt is too long';
  return tokens === undefined || tokensMax === undefined ? text : `${text}: ${tokens} tokens > ${tokensMax} maximum`;
}

/** An error with its status. */
export function anthropicError(trouble: Trouble, message: string, about: About = {}): { status: number; body: unknown } {
  return { status: formOf(trouble, about).status, body: anthropicErrorBody(trouble, message, about) };
}

export function anthropicErrorBody(trouble: Trouble, message: string, about: About = {}): unknown {
  const form = formOf(trouble, about);
  return { type: 'error', error: { type: form.type, message: message || form.message }, request_id: null };
}

export function anthropicModels(ids: readonly string[]): unknown {
  return {
    data: ids.map(anthropicModel),
    has_more: false,
    first_id: ids[0] ?? null,
    last_id: ids.at(-1) ?? null,
  };
}

export function anthropicModel(id: string): unknown {
  return { type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' };
}
