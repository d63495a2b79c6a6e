// Takes what looks like a key out of a foreign text before it is shown, journaled or sent on. Called for the words of
// providers and of the network, which echo keys (some whole, some masked). Better one word too many than a key.

const HIDDEN = '[hidden]';

/** What is replaced, in this order; `$1` is what stays before it. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // The platform quotes a header that it cannot send, key and all.
  [/"[^"]*"(?= is an invalid header value)/g, `"${HIDDEN}"`],
  // Also as JSON, and as JSON within a text, where quotes stand on both sides of the colon.
  [/(?<![A-Za-z0-9])((?:api|access|secret)[ _-]?key(?: provided| is)?[\\"']{0,8}\s*[:=]\s*[\\"']{0,8})[^\s\\"',}]+/gi, `$1${HIDDEN}`],
  [/([\\"'](?:[a-z]{0,20}[_-])?(?:token|secret|password)[\\"']{1,8}\s*:\s*[\\"']{1,8})[^\s\\"']+/gi, `$1${HIDDEN}`],
  [/\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:basic|bearer)\s+|bearer\s+)[^\s"',}]{6,}/gi, `$1${HIDDEN}`],
  [/([?&;][^\s=&#"']{0,60}(?:key|token|secret|signature|sig|password|code)=)[^\s&#"']+/gi, `$1${HIDDEN}`],
  [/(\/\/)[^\s/@"']+@/g, `$1${HIDDEN}@`],
  // Keys by their beginnings: OpenAI, Anthropic, OpenRouter, DeepSeek (sk-), Groq, xAI, Google, Vercel, Hugging Face,
  // Perplexity, Replicate, GitHub, Nvidia, Cerebras, Fireworks, Together, AWS.
  [/\b(?:sk|pk|rk|gsk|xai|vck|hf|pplx|r8|ghp|gho|github_pat|nvapi|csk|fw|tgp)[-_][\w*.…-]{4,}/g, HIDDEN],
  [/\b(?:AIza|ya29\.|AKIA|ASIA|eyJ)[\w*.…/-]{6,}/g, HIDDEN],
  // What is masked was a secret, and its ends still are.
  [/[\w-]{0,60}\*{3,}[\w*-]*/g, HIDDEN],
  // A long run of letters and digits mixed is no word: keys without a beginning (Mistral, Azure).
  [/(?<![\w])(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{24,}(?![\w])/g, HIDDEN],
];

/** The text without what looks like a key. Pure; O(n). */
export function withoutSecrets(text: string): string {
  let safe = text;
  for (const [pattern, instead] of SECRETS) safe = safe.replace(pattern, instead);
  return safe;
}
