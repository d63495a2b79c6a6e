import { KEYS } from './loopback.ts';
import { ALL, anthropic, expectFailures, google, openai, OPENAI, page, row } from './failureTable.ts';

expectFailures([
  row(
    'a wrong key',
    OPENAI,
    {
      status: 401,
      body: openai(
        `Incorrect API key provided: ${KEYS.openai}. You can find your API key at https://platform.openai.com.`,
        'invalid_request_error',
        'invalid_api_key',
      ),
    },
    ['MODEL_UNAUTHORIZED', 'no', 401],
    ['does not accept the API key', '[hidden]'],
  ),
  row(
    'a wrong key, masked by the provider',
    OPENAI,
    {
      status: 401,
      body: openai('Incorrect API key provided: sk-proj-Zx8***********************H5jK.', 'invalid_request_error', 'invalid_api_key'),
    },
    ['MODEL_UNAUTHORIZED', 'no', 401],
    ['[hidden]'],
  ),
  row(
    'a wrong key at Anthropic',
    ['anthropic'],
    { status: 401, headers: { 'request-id': 'req_9' }, body: anthropic('authentication_error', 'invalid x-api-key') },
    ['MODEL_UNAUTHORIZED', 'no', 401],
    ['invalid x-api-key'],
  ),
  row(
    'a wrong key at Google',
    ['google'],
    {
      status: 400,
      body: google(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
      ]),
    },
    ['MODEL_UNAUTHORIZED', 'no', 400],
    [],
  ),
  row(
    'a key without permission',
    ['anthropic'],
    { status: 403, body: anthropic('permission_error', 'Your API key does not have permission to use the specified resource.') },
    ['MODEL_UNAUTHORIZED', 'no', 403],
    ['may not do this'],
  ),
  row(
    'a region that is not served',
    ['google'],
    { status: 400, body: google(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.') },
    ['MODEL_UNAUTHORIZED', 'no', 400],
    [],
  ),
  row(
    'a firewall that says no with a page',
    ALL,
    { status: 403, body: page('Access denied') },
    ['MODEL_UNAUTHORIZED', 'no', 403],
    ['firewall'],
  ),
  row(
    'an unknown model',
    OPENAI,
    {
      status: 404,
      body: openai('The model `gpt-9` does not exist or you do not have access to it.', 'invalid_request_error', 'model_not_found'),
    },
    ['MODEL_BAD_REQUEST', 'no', 404],
    ['acme/model-9', 'does not know this model', 'Check the model id'],
  ),
  row(
    'an unknown model at Anthropic',
    ['anthropic'],
    { status: 404, body: anthropic('not_found_error', 'model: claude-9') },
    ['MODEL_BAD_REQUEST', 'no', 404],
    ['does not know this model', 'model: claude-9'],
  ),
  row(
    'an unknown model at Google',
    ['google'],
    {
      status: 404,
      body: google(404, 'NOT_FOUND', 'models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.'),
    },
    ['MODEL_BAD_REQUEST', 'no', 404],
    ['does not know this model'],
  ),
  row(
    'an unknown model at Mistral',
    ['mistral'],
    { status: 400, body: { object: 'error', message: 'Invalid model: mistral-9', type: 'invalid_model', param: null, code: '1500' } },
    ['MODEL_BAD_REQUEST', 'no', 400],
    ['does not know this model'],
  ),
  row(
    'an unknown model at a local server',
    ['compatible'],
    {
      status: 404,
      body: { error: { message: 'model "llama-9" not found, try pulling it first', type: 'api_error', param: null, code: null } },
    },
    ['MODEL_BAD_REQUEST', 'no', 404],
    ['does not know this model'],
  ),
  row(
    'an API that is not at this address',
    ['openai chat', 'compatible'],
    { status: 404, body: { detail: 'Not Found' } },
    ['MODEL_BAD_REQUEST', 'no', 404],
    ['base URL', '/v1'],
  ),
  row('a web page that is not there', ALL, { status: 404, body: page('404 Not Found') }, ['MODEL_BAD_REQUEST', 'no', 404], ['base URL']),
  row(
    'a wrong setting',
    OPENAI,
    {
      status: 400,
      body: openai("Unsupported value: 'temperature' does not support 0.2 with this model.", 'invalid_request_error', 'unsupported_value'),
    },
    ['MODEL_BAD_REQUEST', 'no', 400],
    ['temperature'],
  ),
  row(
    'an overflow',
    OPENAI,
    {
      status: 400,
      body: openai(
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        'invalid_request_error',
        'context_length_exceeded',
      ),
    },
    ['MODEL_CONTEXT_OVERFLOW', 'no', 400],
    ['longer than the model can read', '9000'],
  ),
  row(
    'an overflow without a code',
    ['compatible', 'openrouter', 'xai'],
    {
      status: 400,
      body: openai("This model's maximum prompt length is 131072 but the request contains 537812 tokens.", 'BadRequestError', 400),
    },
    ['MODEL_CONTEXT_OVERFLOW', 'no', 400],
    [],
  ),
  row(
    'an overflow at Anthropic',
    ['anthropic'],
    { status: 400, body: anthropic('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum') },
    ['MODEL_CONTEXT_OVERFLOW', 'no', 400],
    ['210000'],
  ),
  row(
    'a request of too many bytes at Anthropic',
    ['anthropic'],
    { status: 413, body: anthropic('request_too_large', 'Request exceeds the maximum size') },
    ['MODEL_CONTEXT_OVERFLOW', 'no', 413],
    [],
  ),
  row(
    'an overflow at Google',
    ['google'],
    {
      status: 400,
      body: google(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
    },
    ['MODEL_CONTEXT_OVERFLOW', 'no', 400],
    [],
  ),
  row(
    'an overflow at llama.cpp',
    ['compatible'],
    {
      status: 400,
      body: {
        error: {
          code: 400,
          message: 'the request exceeds the available context size. try increasing the context size or enable context shift',
          type: 'exceed_context_size_error',
        },
      },
    },
    ['MODEL_CONTEXT_OVERFLOW', 'no', 400],
    [],
  ),
  row(
    "a body too large for a proxy's page",
    ALL,
    { status: 413, body: page('413 Request Entity Too Large') },
    ['MODEL_BAD_REQUEST', 'no', 413],
    ['proxy'],
  ),
  row(
    'a content filter',
    ['openai chat', 'compatible'],
    {
      status: 400,
      body: {
        error: {
          message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
          type: null,
          param: 'prompt',
          code: 'content_filter',
          status: 400,
          innererror: { code: 'ResponsibleAIPolicyViolation' },
        },
      },
    },
    ['MODEL_FILTERED', 'no', 400],
    ['content filter'],
  ),
  row(
    'a flagged prompt',
    ['openai responses', 'openai chat'],
    {
      status: 400,
      body: openai(
        'Invalid prompt: your prompt was flagged as potentially violating our usage policy.',
        'invalid_request_error',
        'invalid_prompt',
      ),
    },
    ['MODEL_FILTERED', 'no', 400],
    [],
  ),
  row(
    'output blocked by Anthropic',
    ['anthropic'],
    { status: 400, body: anthropic('invalid_request_error', 'Output blocked by content filtering policy') },
    ['MODEL_FILTERED', 'no', 400],
    [],
  ),
  row(
    'moderation on the way',
    ['openrouter'],
    {
      status: 403,
      body: {
        error: {
          code: 403,
          message: 'Your chosen model requires moderation and your input was flagged',
          metadata: { reasons: ['violence'], flagged_input: 'x', provider_name: 'P', model_slug: 'm' },
        },
      },
    },
    ['MODEL_FILTERED', 'no', 403],
    [],
  ),
  row(
    "the gateway's unknown model",
    ['gateway'],
    { status: 404, body: { error: { message: "Model 'a/model-9' not found", type: 'model_not_found', param: { modelId: 'a/model-9' } } } },
    ['MODEL_BAD_REQUEST', 'no', 404],
    ['does not know this model'],
  ),
  row('a bare 401', ALL, { status: 401 }, ['MODEL_UNAUTHORIZED', 'no', 401], []),
  row('a bare 422', ALL, { status: 422 }, ['MODEL_BAD_REQUEST', 'no', 422], []),
]);
