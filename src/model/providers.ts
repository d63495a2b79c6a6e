// The providers that a model can be named after, as data: which package speaks to each, what it exports, and the
// environment variables it is set up with. The registry loads them, `doctor` shows them. To support another one, add
// it here. The facts are those of the packages' own sources (the settings types and `loadApiKey` calls of their
// create functions; vercel/ai, packages/*, and OpenRouterTeam/ai-sdk-provider).

export interface Provider {
  /** The npm package that speaks to it, and its exports that make the provider: the newest name first. */
  readonly package: string;
  readonly factories: readonly string[];
  /** What the factory takes from the environment: its settings, and the variables they come from. */
  readonly variables: Readonly<Record<string, string>>;
  /** The variable that says where requests go instead of to the provider's own address. */
  readonly baseUrlVariable: string | undefined;
  /** Variables without which no request succeeds: all of one list. No lists: nothing is needed. */
  readonly needs: readonly (readonly string[])[];
  /** A variable that says that the machine itself vouches, and nothing is needed. */
  readonly vouchedBy?: string;
  /** Where requests go by default: for servers without an address of their own, and for packages that read the process's environment. */
  readonly baseUrl?: string;
  /** Settings that do not come from the environment. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** APIs that can be picked by name ('openai.chat/gpt-4o'), and the provider's methods that give their models. */
  readonly apis: Readonly<Record<string, string>>;
  /** Where people get a key. */
  readonly keysAt?: string;
  /** How its own models' ids begin: so that a model named without its provider can be told what to write. */
  readonly begins?: readonly string[];
}

type Rest = Partial<Omit<Provider, 'package' | 'factories' | 'keysAt'>>;

/** A provider with one key: `prefix` begins its variables. */
function hosted(name: string, factories: readonly string[], prefix: string, keysAt: string, rest: Rest = {}): Provider {
  return {
    package: name,
    factories,
    variables: { apiKey: `${prefix}_API_KEY` },
    baseUrlVariable: `${prefix}_BASE_URL`,
    needs: [[`${prefix}_API_KEY`]],
    apis: {},
    keysAt,
    ...rest,
  };
}

/** A server that speaks OpenAI's Chat Completions at an address of the user's: it may want a key, or none. Pure. */
export function compatible(name: string, where: { readonly prefix?: string; readonly baseUrl?: string }): Provider {
  const { prefix, baseUrl } = where;
  return {
    package: '@ai-sdk/openai-compatible',
    factories: ['createOpenAICompatible'],
    variables: prefix === undefined ? {} : { apiKey: `${prefix}_API_KEY` },
    baseUrlVariable: prefix === undefined ? undefined : `${prefix}_BASE_URL`,
    needs: [],
    ...(baseUrl === undefined ? {} : { baseUrl }),
    // Without these the package asks for JSON instead of for the schema, and streams come without their usage.
    settings: { name, supportsStructuredOutputs: true, includeUsage: true },
    apis: { chat: 'chatModel' },
  };
}

const AZURE: Provider = {
  package: '@ai-sdk/azure',
  factories: ['createAzure'],
  variables: { apiKey: 'AZURE_API_KEY', resourceName: 'AZURE_RESOURCE_NAME' },
  baseUrlVariable: 'AZURE_BASE_URL',
  needs: [
    ['AZURE_API_KEY', 'AZURE_RESOURCE_NAME'],
    ['AZURE_API_KEY', 'AZURE_BASE_URL'],
  ],
  apis: { responses: 'responses', chat: 'chat' },
  keysAt: 'https://portal.azure.com',
};

const BEDROCK: Provider = {
  package: '@ai-sdk/amazon-bedrock',
  factories: ['createAmazonBedrock'],
  variables: {
    region: 'AWS_REGION',
    apiKey: 'AWS_BEARER_TOKEN_BEDROCK',
    accessKeyId: 'AWS_ACCESS_KEY_ID',
    secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
    sessionToken: 'AWS_SESSION_TOKEN',
  },
  baseUrlVariable: 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
  needs: [
    ['AWS_REGION', 'AWS_BEARER_TOKEN_BEDROCK'],
    ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  ],
  apis: {},
  keysAt: 'https://console.aws.amazon.com/bedrock',
};

const VERTEX: Provider = {
  package: '@ai-sdk/google-vertex',
  factories: ['createGoogleVertex', 'createVertex'],
  variables: { apiKey: 'GOOGLE_VERTEX_API_KEY', project: 'GOOGLE_VERTEX_PROJECT', location: 'GOOGLE_VERTEX_LOCATION' },
  baseUrlVariable: 'GOOGLE_VERTEX_BASE_URL',
  needs: [['GOOGLE_VERTEX_API_KEY'], ['GOOGLE_VERTEX_PROJECT', 'GOOGLE_VERTEX_LOCATION']],
  apis: {},
  keysAt: 'https://console.cloud.google.com/vertex-ai',
};

/** Every named provider. What is first here is first in messages. */
export const PROVIDERS: Readonly<Record<string, Provider>> = {
  openai: hosted('@ai-sdk/openai', ['createOpenAI'], 'OPENAI', 'https://platform.openai.com/api-keys', {
    baseUrl: 'https://api.openai.com/v1',
    apis: { responses: 'responses', chat: 'chat' },
    begins: ['gpt-', 'o1', 'o3', 'o4', 'chatgpt-', 'codex-'],
  }),
  anthropic: hosted('@ai-sdk/anthropic', ['createAnthropic'], 'ANTHROPIC', 'https://console.anthropic.com/settings/keys', {
    baseUrl: 'https://api.anthropic.com/v1',
    apis: { messages: 'messages' },
    begins: ['claude-'],
  }),
  google: hosted(
    '@ai-sdk/google',
    ['createGoogle', 'createGoogleGenerativeAI'],
    'GOOGLE_GENERATIVE_AI',
    'https://aistudio.google.com/apikey',
    { apis: { 'generative-ai': 'chat' }, begins: ['gemini-', 'gemma-'] },
  ),
  mistral: hosted('@ai-sdk/mistral', ['createMistral'], 'MISTRAL', 'https://console.mistral.ai/api-keys', {
    apis: { chat: 'chat', conversation: 'conversation' },
    begins: ['mistral-', 'ministral-', 'magistral-', 'codestral-', 'devstral-', 'pixtral-'],
  }),
  groq: hosted('@ai-sdk/groq', ['createGroq'], 'GROQ', 'https://console.groq.com/keys', { apis: { chat: 'chat' } }),
  xai: hosted('@ai-sdk/xai', ['createXai'], 'XAI', 'https://console.x.ai', {
    apis: { responses: 'responses' },
    begins: ['grok-'],
  }),
  openrouter: hosted('@openrouter/ai-sdk-provider', ['createOpenRouter'], 'OPENROUTER', 'https://openrouter.ai/settings/keys', {
    // 'strict' asks for the usage of streams, which its default does not.
    settings: { compatibility: 'strict' },
    apis: { chat: 'chat' },
  }),
  ollama: compatible('ollama', { prefix: 'OLLAMA', baseUrl: 'http://localhost:11434/v1' }),
  lmstudio: compatible('lmstudio', { prefix: 'LMSTUDIO', baseUrl: 'http://localhost:1234/v1' }),
  vllm: compatible('vllm', { prefix: 'VLLM', baseUrl: 'http://localhost:8000/v1' }),
  gateway: hosted('@ai-sdk/gateway', ['createGateway', 'createGatewayProvider'], 'AI_GATEWAY', 'https://vercel.com/ai-gateway', {
    // Only a key can be given to the package: a token it looks up itself, in the process or in the request it serves.
    needs: [['AI_GATEWAY_API_KEY'], ['VERCEL_OIDC_TOKEN']],
    vouchedBy: 'VERCEL',
  }),
  deepseek: hosted('@ai-sdk/deepseek', ['createDeepSeek'], 'DEEPSEEK', 'https://platform.deepseek.com/api_keys', {
    apis: { chat: 'chat' },
    begins: ['deepseek-'],
  }),
  cohere: hosted('@ai-sdk/cohere', ['createCohere'], 'COHERE', 'https://dashboard.cohere.com/api-keys', { begins: ['command-'] }),
  togetherai: hosted('@ai-sdk/togetherai', ['createTogetherAI'], 'TOGETHER', 'https://api.together.ai/settings/api-keys', {
    apis: { chat: 'chatModel' },
  }),
  fireworks: hosted('@ai-sdk/fireworks', ['createFireworks'], 'FIREWORKS', 'https://app.fireworks.ai/settings/users/api-keys', {
    apis: { chat: 'chatModel' },
  }),
  perplexity: hosted('@ai-sdk/perplexity', ['createPerplexity'], 'PERPLEXITY', 'https://www.perplexity.ai/account/api', {
    begins: ['sonar'],
  }),
  cerebras: hosted('@ai-sdk/cerebras', ['createCerebras'], 'CEREBRAS', 'https://cloud.cerebras.ai', { apis: { chat: 'chat' } }),
  azure: AZURE,
  'amazon-bedrock': BEDROCK,
  'google-vertex': VERTEX,
};

/** Environment variables, as the process or a test gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable's value without the blanks and line ends that get into files of keys; undefined where nothing is left. Pure. */
export function valueOf(env: Environment, variable: string): string | undefined {
  const value = env[variable]?.trim();
  return value === '' ? undefined : value;
}

/** What is missing before requests can succeed: [] for nothing, else what is left of each way to set it up. Pure. */
export function missingVariables({ needs, vouchedBy }: Provider, env: Environment): readonly (readonly string[])[] {
  if (vouchedBy !== undefined && valueOf(env, vouchedBy) !== undefined) return [];
  const ways = needs.map((way) => way.filter((variable) => valueOf(env, variable) === undefined));
  if (ways.some((way) => way.length === 0)) return [];
  // A way that asks for all of another and more is no news.
  return ways.filter((way) => !ways.some((less) => less.length < way.length && less.every((variable) => way.includes(variable))));
}

/** The ways to set a provider up, in words: "set A and B, or C". Pure. */
export function waysText(ways: readonly (readonly string[])[]): string {
  return `set ${ways.map((way) => way.join(' and ')).join(', or ')}`;
}
