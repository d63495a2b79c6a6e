// A JSON Schema the way a person would write the type: `{ repo: string, depth?: 1 | 2 }`. Pure; called where an
// input does not fit or is missing.

const DEPTH_MAX = 4;
const PARTS_MAX = 12;
const LINE_MAX = 60;

/** A summary, not a specification: what is too deep or too wide becomes `…`. */
export function shapeText(schema: unknown, depth = 0): string {
  if (!isRecord(schema)) return 'anything';
  if (depth > DEPTH_MAX) return '…';
  if ('const' in schema) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['enum'])) return unionText(schema['enum'].map((value) => JSON.stringify(value)));
  for (const key of ['anyOf', 'oneOf'] as const) {
    const options = schema[key];
    if (Array.isArray(options)) return unionText(options.map((option) => shapeText(option, depth + 1)));
  }
  const { type } = schema;
  if (Array.isArray(type)) return unionText(type.map((one: unknown) => shapeText({ ...schema, type: one }, depth)));
  if (type === 'object' || isRecord(schema['properties'])) return objectText(schema, depth);
  if (type === 'array') return listText(schema['items'], depth);
  if (type === 'integer') return 'whole number';
  return typeof type === 'string' ? type : 'anything';
}

function objectText(schema: Record<string, unknown>, depth: number): string {
  const properties = isRecord(schema['properties']) ? Object.entries(schema['properties']) : [];
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const parts = properties
    .slice(0, PARTS_MAX)
    .map(([name, value]) => `${keyText(name)}${required.has(name) ? '' : '?'}: ${shapeText(value, depth + 1)}`);
  if (properties.length > PARTS_MAX) parts.push('…');
  if (isRecord(schema['additionalProperties'])) parts.push(`[name]: ${shapeText(schema['additionalProperties'], depth + 1)}`);
  if (parts.length === 0) return 'object';
  const line = `{ ${parts.join(', ')} }`;
  if (line.length <= LINE_MAX && !line.includes('\n')) return line;
  return `{\n${parts.map((part) => `  ${part.replaceAll('\n', '\n  ')},`).join('\n')}\n}`;
}

function listText(items: unknown, depth: number): string {
  const item = shapeText(items, depth + 1);
  return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
}

function unionText(options: readonly string[]): string {
  const unique = [...new Set(options)];
  return [...unique.slice(0, PARTS_MAX), ...(unique.length > PARTS_MAX ? ['…'] : [])].join(' | ');
}

function keyText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
