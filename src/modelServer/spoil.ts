// A model's words made wrong on purpose, in a faultless envelope. Pure; called by server.ts with a complete answer.

import { estimateTokens } from '../model/tokens.ts';
import { between, type Dice } from './dice.ts';
import type { FaultName } from './faults.ts';
import { misfit } from './misfit.ts';
import type { Asked, Said } from './wire.ts';

const REFUSAL = "I'm sorry, but I can't help with that.";
const PROSE =
  "I've looked at what you asked for, and here is what I think: it depends on the details, so let me know how you want to go on.";

/** What is said instead. Faults of the status, the connection and the body change nothing here. */
export function spoil(said: Said, fault: FaultName, asked: Asked, random: Dice): Said {
  switch (fault) {
    case 'empty':
      return { tools: [], finish: said.finish, usage: { ...said.usage, tokensOut: 0, tokensReasoning: 0 }, empty: true };
    case 'unknownFinish':
      return { ...said, finish: 'gave_way' };
    case 'length':
      return recounted({ ...eachText(said, (text) => truncated(text, random)), finish: 'length' });
    case 'filter':
      return recounted({ tools: [], text: '', finish: 'filter', usage: said.usage });
    case 'refusal':
      return recounted({ tools: [], refusal: REFUSAL, finish: 'refusal', usage: said.usage });
    case 'truncatedJson':
      return recounted(eachText(said, (text) => truncated(text, random)));
    case 'wrongJson':
      return recounted(wrong(said, asked, random));
    case 'prose':
      return recounted({ tools: [], text: PROSE, finish: 'stop', usage: said.usage });
    case 'proseAround':
      return recounted(
        eachText(
          said,
          (text) => `Sure! Here is the JSON you asked for:\n\n\`\`\`json\n${text}\n\`\`\`\n\nLet me know if you need anything else.`,
        ),
      );
    default:
      return said;
  }
}

/** The text, or where there are calls their arguments. */
function eachText(said: Said, change: (text: string) => string): Said {
  if (said.tools.length === 0) return { ...said, text: change(said.text ?? '') };
  return {
    ...said,
    tools: said.tools.map(({ name, args }) => ({ name, args: change(typeof args === 'string' ? args : JSON.stringify(args)) })),
  };
}

/** At least one character is missing. */
function truncated(text: string, random: Dice): string {
  return text.slice(0, between(random, Math.min(1, text.length - 1), Math.max(0, text.length - 1)));
}

function wrong(said: Said, { form, tools }: Asked, random: Dice): Said {
  if (said.tools.length === 0) return { ...said, text: JSON.stringify(misfit(form?.schema ?? {}, parsed(said.text ?? ''), random)) };
  return {
    ...said,
    tools: said.tools.map(({ name, args }) => ({
      name,
      args: misfit(tools.find((tool) => tool.name === name)?.schema ?? {}, typeof args === 'string' ? parsed(args) : args, random),
    })),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A provider counts what it sends, however wrong it is. */
function recounted(said: Said): Said {
  const text = [
    said.text ?? '',
    said.refusal ?? '',
    ...said.tools.map(({ args }) => (typeof args === 'string' ? args : JSON.stringify(args))),
  ].join('');
  return { ...said, usage: { ...said.usage, tokensOut: said.usage.tokensReasoning + Math.max(1, estimateTokens(text)) } };
}
