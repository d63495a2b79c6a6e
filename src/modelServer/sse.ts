// Server-sent events as the protocols write them, and what is said cut into the pieces that they carry.

/** One event, ready to be written; `name` is the event's own line, which OpenAI chat leaves out. */
export function sseEvent(data: unknown, name?: string): string {
  const line = `data: ${JSON.stringify(data)}\n\n`;
  return name === undefined ? line : `event: ${name}\n${line}`;
}

/** The text in pieces of `size` characters and at least one, none for an empty text. A character is never torn apart. */
export function pieces(text: string, size: number): readonly string[] {
  const step = Math.max(1, Math.floor(size) || 1);
  const all: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = at + step + (isHighSurrogate(text.charCodeAt(at + step - 1)) ? 1 : 0);
    all.push(text.slice(at, end));
    at = end;
  }
  return all;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}
