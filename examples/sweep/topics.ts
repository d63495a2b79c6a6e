// What the stand-in model knows: a small table from words of a question to what to search for. Read by
// policy.ts only. A question that no topic fits is searched for by its own words.

/** One thing to look for. `means` says in a sentence what a match is a sign of. */
export interface Clue {
  readonly label: string;
  readonly pattern: string;
  readonly means: string;
  readonly ignoreCase?: boolean;
  /** A file that has this too means something else by the pattern. */
  readonly unless?: string;
}

interface Topic {
  readonly name: string;
  /** Words that name the topic. One is enough for it to be considered, and each counts two. */
  readonly words: readonly RegExp[];
  /** Words that also occur elsewhere. Two are enough, and each counts one. */
  readonly also: readonly RegExp[];
  readonly clues: readonly Clue[];
  /** Comments are where these things are. Elsewhere a match in a comment is dropped. */
  readonly inComments?: true;
}

export interface Plan {
  readonly topics: readonly string[];
  readonly clues: readonly Clue[];
  readonly inComments: boolean;
}

const CLUES_MAX = 6;
const WORDS_MAX = 4;
const free = '(?<![\\w$.-])';
const global = `(?:${free}|\\b(?:globalThis|window|global|self)\\.)`;

const TOPICS: readonly Topic[] = [
  {
    name: 'code from strings',
    words: [/\bevaluat|\beval\b/i, /\bnew function\b|function constructor/i, /\bnode:vm\b|\bvm\b/i, /\bcompil\w+ at run ?time/i],
    also: [/\bstrings?\b|\btext\b/i, /\bcode\b|\bfunctions?\b/i, /\bdynamic(ally)?\b/i, /\binject/i, /\brun\b|\bexecuted?\b/i],
    clues: [
      {
        label: 'eval',
        pattern: `${global}eval\\s*\\(|\\(0,\\s*eval\\)`,
        means: 'A string is run as code, with access to the scope around it or to the global one.',
      },
      {
        label: 'new Function',
        pattern: `${free}new\\s+Function\\s*\\(|${global}Function\\s*\\(\\s*["'\`]`,
        means: 'A function is compiled from strings; it sees the global scope only.',
        unless: '\\b(?:class|function)\\s+Function\\b|\\bimport\\b.*\\bFunction\\b.*\\bfrom\\b|^\\s+Function,?$',
      },
      {
        label: 'node:vm',
        pattern: `\\bvm\\d*\\.(?:runIn\\w+|compileFunction|Script|SourceTextModule)\\b|(?:\\bfrom|\\bimport|\\brequire\\s*\\(|\\bimport\\s*\\()\\s*["'](?:node:)?vm["']`,
        means: "Node's vm module compiles a string and runs it in a context.",
      },
      {
        label: 'timer with a string',
        pattern: `${global}set(?:Timeout|Interval)\\s*\\(\\s*["'\`]`,
        means: 'A timer is given a string, which browsers run as code.',
      },
      {
        label: 'import of a data: URL',
        pattern: `\\bimport\\s*\\(\\s*["'\`]data:`,
        means: 'A module is made of a string by way of a data: URL.',
      },
      {
        label: '.constructor with a string',
        pattern: `\\.constructor\\s*\\(\\s*["'\`]`,
        means: 'The Function constructor is reached by way of some function, often to pass a filter.',
      },
    ],
  },
  {
    name: 'child processes',
    words: [/\bchild(ren)?[ _-]process/i, /\bspawn/i, /\bsub-?process/i, /\bshell\b/i, /\bexec\b/i],
    also: [/\bprocess(es)?\b(?!\.)/i, /\bcommands?\b/i, /\bprograms?\b/i, /\bfork/i, /\bstart(s|ed)?\b|\brun\b|\bexecut/i],
    clues: [
      { label: 'child_process', pattern: `["'](?:node:)?child_process["']`, means: 'The module that starts other programs is loaded.' },
      {
        label: 'exec',
        pattern: `${free}(?:exec|execSync)\\s*\\(|\\bchild_process\\.exec(?:Sync)?\\s*\\(`,
        means: 'A command line goes through a shell.',
      },
      {
        label: 'spawn',
        pattern: `\\b(?:spawn|spawnSync|execFile|execFileSync|fork)\\s*\\(`,
        means: 'A program is started with a list of arguments.',
      },
      { label: 'shell: true', pattern: `\\bshell\\s*:\\s*(?:true|!0)`, means: 'Arguments go through a shell.' },
    ],
  },
  {
    name: 'network',
    words: [/\bnetwork/i, /\bhttps?\b/i, /\bfetch/i, /\bphones? home|telemetry/i, /\bsockets?\b/i, /\bdownload/i],
    also: [/\brequests?\b/i, /\binternet\b|\bweb\b/i, /\bservers?\b/i],
    clues: [
      { label: 'fetch', pattern: `${global}fetch\\s*\\(`, means: 'A request is sent with fetch.' },
      {
        label: 'http module',
        pattern: `\\bhttps?\\.(?:request|get|createServer)\\s*\\(|["'](?:node:)?https?["']`,
        means: "Node's own HTTP client or server is used.",
      },
      {
        label: 'socket',
        pattern: `\\bnew\\s+WebSocket\\s*\\(|\\bnet\\.(?:connect|createConnection|createServer)\\s*\\(|["'](?:node:)?(?:net|tls|dgram)["']`,
        means: 'A connection below HTTP, or a WebSocket.',
      },
      { label: 'XMLHttpRequest', pattern: `\\bnew\\s+XMLHttpRequest\\b`, means: "A request is sent with the browser's older client." },
    ],
  },
  {
    name: 'deletion of files',
    words: [/\bdelet/i, /\bunlink\b/i, /\brm\b|\brimraf\b/i],
    also: [/\bremov\w+/i, /\bfiles?\b|\bfolders?\b|\bdirector/i],
    clues: [
      { label: 'rm', pattern: `\\b(?:rm|rmSync|rimraf)\\s*\\((?!\\))`, means: 'Files or whole folders are removed.' },
      { label: 'unlink', pattern: `\\bunlink(?:Sync)?\\s*\\(`, means: 'One file is removed.' },
      { label: 'rmdir', pattern: `\\brmdir(?:Sync)?\\s*\\(`, means: 'A folder is removed.' },
    ],
  },
  {
    name: 'environment variables',
    words: [/\benvironment variables?\b|\benv\b|\benv vars?\b/i, /\bprocess\.env\b/i],
    also: [/\benvironment\b/i, /\bvariables?\b/i, /\bconfigur/i],
    clues: [
      { label: 'process.env', pattern: `\\bprocess\\d*\\.env\\b`, means: 'A variable of the process environment is read or set.' },
      { label: 'import.meta.env', pattern: `\\bimport\\.meta\\.env\\b`, means: 'A variable that the bundler puts in.' },
      { label: 'other runtimes', pattern: `\\b(?:Deno|Bun)\\.env\\b`, means: 'The environment as Deno or Bun gives it.' },
    ],
  },
  {
    name: 'unfinished work',
    words: [/\bto-?dos?\b/i, /\bfixmes?\b/i, /\bunfinished\b|\bincomplete\b/i, /\bleft to do\b/i],
    also: [/\bhacks?\b/i, /\bcomments?\b/i, /\blater\b/i],
    clues: [
      { label: 'TODO comment', pattern: `\\bTODO\\b`, means: 'Something that was left for later.' },
      { label: 'FIXME comment', pattern: `\\bFIXME\\b`, means: 'Something known to be wrong.' },
      { label: 'HACK comment', pattern: `\\b(?:HACK|XXX)\\b`, means: 'Something its author was not happy with.' },
    ],
    inComments: true,
  },
  {
    name: 'weak randomness and hashes',
    words: [/\brandom/i, /\bhash(es|ing)?\b/i, /\bmd5\b|\bsha-?1\b/i],
    also: [/\bweak\b|\bbroken\b/i, /\bcrypto/i, /\binsecure\b/i, /\bguess/i],
    clues: [
      {
        label: 'Math.random',
        pattern: `\\bMath\\.random\\s*\\(`,
        means: 'Numbers that can be guessed; a weakness only where something must not be.',
      },
      {
        label: 'MD5',
        pattern: `createHash\\s*\\(\\s*["'\`]md5["'\`]|\\bmd5\\s*\\(`,
        means: 'A hash for which collisions are easy to make.',
      },
      {
        label: 'SHA-1',
        pattern: `createHash\\s*\\(\\s*["'\`]sha-?1["'\`]|["'\`]SHA-1["'\`]`,
        means: 'A hash for which collisions have been made.',
      },
    ],
  },
  {
    name: 'unescaped HTML',
    words: [/\binnerhtml\b/i, /\bxss\b|cross-site/i, /\bhtml\b/i],
    also: [/\bunescaped\b|\bsaniti/i, /\bdom\b|\bpages?\b/i, /\bstrings?\b/i],
    clues: [
      {
        label: 'innerHTML',
        pattern: `\\.(?:innerHTML|outerHTML)\\s*\\+?=(?!=)|\\.insertAdjacentHTML\\s*\\(`,
        means: 'A string becomes part of a page without being escaped.',
      },
      {
        label: 'framework bypass',
        pattern: `\\bdangerouslySetInnerHTML\\b|\\bv-html\\b|\\{@html\\b`,
        means: 'The escaping of a framework is switched off.',
      },
      { label: 'document.write', pattern: `\\bdocument\\.write(?:ln)?\\s*\\(`, means: 'A string is written into a page as it loads.' },
    ],
  },
  {
    name: 'ends of the process',
    words: [/\bprocess\.(exit|abort|kill)\b/i, /\bexits?\b/i, /\bterminat/i],
    also: [/\bprocess\b/i, /\bend(s|ed)?\b/i, /\bsignals?\b/i, /\bkill/i],
    clues: [
      { label: 'process.exit', pattern: `\\bprocess\\d*\\.exit\\s*\\(`, means: 'The process is ended, with whatever it was doing.' },
      { label: 'process.abort', pattern: `\\bprocess\\d*\\.abort\\s*\\(`, means: 'The process is ended at once.' },
      { label: 'process.kill', pattern: `\\bprocess\\d*\\.kill\\s*\\(`, means: 'A signal is sent to a process.' },
    ],
  },
  {
    name: 'swallowed errors',
    words: [/\bswallow/i, /\bempty catch/i],
    also: [/\bsilent(ly)?\b/i, /\bignor\w+/i, /\berrors?\b|\bexceptions?\b/i, /\bcatch|\bcaught\b/i],
    clues: [
      {
        label: 'empty catch',
        pattern: `\\bcatch\\s*(?:\\([^)]*\\))?\\s*\\{\\s*\\}`,
        means: 'An error is caught and nothing is done about it.',
      },
      {
        label: 'catch that returns nothing',
        pattern: `\\.catch\\s*\\(\\s*(?:\\(\\w*\\)|\\w+)\\s*=>\\s*(?:\\{\\s*\\}|null|undefined|void 0)\\s*\\)`,
        means: 'A rejected promise is turned into nothing.',
      },
    ],
  },
];

const STOP = new Set(
  (
    'about above after again call called calls defined happen happens implemented located mention mentioned mentions place places also and any anybody anything are because been before being below between both but came can codebase codebases come could did does doing done down each every file files find for from ' +
    'get gets give given had has have here how into its just like list look made make many may more most much must not now off once only other our out over own same show should some such tell than that the ' +
    'their them then there these they thing things this those through under until use used uses using very was way were what when where which while who whom why will with would you your'
  ).split(' '),
);

/** What to search for, given a question. Pure. Equal questions give equal plans. */
export function planFor(question: string): Plan {
  const scored = TOPICS.map((topic) => ({ topic, score: scoreOf(topic, question) }));
  const best = Math.max(...scored.map((one) => one.score));
  if (best === 0) return { topics: [], clues: wordsOf(question).map(clueOf), inComments: true };
  const chosen = scored.filter((one) => one.score === best).map((one) => one.topic);
  const clues = chosen.flatMap((topic) => topic.clues);
  return {
    topics: chosen.map((topic) => topic.name),
    clues: clues.slice(0, CLUES_MAX),
    inComments: chosen.some((topic) => topic.inComments === true),
  };
}

function scoreOf(topic: Topic, question: string): number {
  const words = topic.words.filter((word) => word.test(question)).length;
  const also = topic.also.filter((word) => word.test(question)).length;
  return words > 0 || also > 1 ? 2 * words + also : 0;
}

/** What a label of the table means, for whoever groups by it. Pure. */
export function meaningOf(label: string): string | undefined {
  for (const topic of TOPICS) for (const clue of topic.clues) if (clue.label === label) return clue.means;
  return undefined;
}

/** Names in quotes or backticks as they are; else the longest words that carry meaning. */
function wordsOf(question: string): readonly string[] {
  const quoted = [...question.matchAll(/[`"']([^`"'\n]{2,80})[`"']/g)].map((match) => match[1] ?? '');
  const words = [...question.matchAll(/[\p{L}\p{N}_$.]{3,}/gu)]
    .map((match) => match[0].replace(/\.+$/, ''))
    .filter((word) => !STOP.has(word.toLowerCase()));
  const longest = [...new Set(words)].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return (quoted.length > 0 ? [...new Set(quoted)] : longest).slice(0, WORDS_MAX);
}

function clueOf(word: string): Clue {
  return {
    label: `"${word}"`,
    pattern: word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'),
    means: `A word of the question: ${word}.`,
    ignoreCase: true,
  };
}
