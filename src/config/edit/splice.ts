import {isCollection, isMap, isNode, isPair, parseDocument} from 'yaml';
import type {Document, YAMLMap, YAMLSeq} from 'yaml';
import {isDeepStrictEqual} from 'node:util';

/** Returns the content of a text. `undefined`: it is invalid. */
export function meaningOf(text: string): unknown {
  try {
    return parsed(text)?.toJS({maxAliasCount: ALIASED});
  } catch {
    // aliases of aliases, billions of values
    return undefined;
  }
}

/** How many values may come from aliases. */
const ALIASED = 10_000;

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? {...value} : {};
}

export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Returns the new text, which is made of pieces, if it means the same as the old one except for a list.
 * `undefined`: the old text has a form that cannot be changed safely.
 */
export function checkedList(
  before: string,
  after: string | undefined,
  [section, key]: readonly [section: string, key: string],
  change: (items: readonly unknown[]) => readonly unknown[],
): string | undefined {
  if (after === undefined) return undefined;
  const old = fieldsOf(meaningOf(before));
  const fields = fieldsOf(old[section]);
  const meant = {...old, [section]: {...fields, [key]: change(itemsOf(fields[key]))}};
  return isDeepStrictEqual(meaningOf(after), meant) ? after : undefined;
}

export function parsed(text: string): Document.Parsed | undefined {
  const document = parseDocument(text, {
    logLevel: 'error',
    prettyErrors: false,
    keepSourceTokens: true,
    intAsBigInt: true,
  });
  return document.errors.length === 0 && (document.contents === null || isMap(document.contents))
    ? document
    : undefined;
}

/** Adds an entry between brackets, as JSON, because the whole file may be JSON. */
export function withEntry(text: string, collection: YAMLMap | YAMLSeq, entry: string): string {
  const last = collection.items.at(-1);
  return last === undefined
    ? spliced(text, beginOf(collection) + 1, beginOf(collection) + 1, entry)
    : spliced(text, endOf(text, last), endOf(text, last), `, ${entry}`);
}

/** Adds lines below the last entry, with its indentation. */
export function withLines(text: string, collection: YAMLMap | YAMLSeq, lines: readonly string[]): string {
  const begin = beginOf(collection);
  const indent = ' '.repeat(begin - lineBegin(text, begin));
  const at = lineEnd(text, endOf(text, collection));
  return spliced(text, at, at, lines.map((line) => `\n${indent}${line}`).join(''));
}

/** Returns the text without one entry of a list. `undefined`: the text has a form that cannot be changed safely. */
export function withoutItem(text: string, list: YAMLSeq, index: number): string | undefined {
  const item = list.items[index];
  const end = endOf(text, item);
  if (list.flow === true) {
    const [before, after] = [list.items[index - 1], list.items[index + 1]];
    if (after !== undefined) return spliced(text, beginOf(item), beginOf(after), '');
    return spliced(text, before === undefined ? beginOf(item) : endOf(text, before), end, '');
  }
  const block = list.srcToken?.type === 'block-seq' ? list.srcToken : undefined;
  const dash = block?.items[index]?.start.find(({type}) => type === 'seq-item-ind')?.offset;
  if (dash === undefined) return undefined;
  if (list.items.length > 1) return withoutLines(text, dash, end);
  // an empty list follows its name if nothing is written between the two
  const name = text.slice(0, dash).trimEnd();
  return spliced(text, name.endsWith(':') ? name.length : dash, end, name.endsWith(':') ? ' []' : '[]');
}

/** Removes the lines from one offset to another. */
export function withoutLines(text: string, from: number, to: number): string {
  const [begin, end] = [lineBegin(text, from), lineEnd(text, to)];
  // a last line without a line break leaves the one before without, too
  return end === text.length && begin > 0
    ? spliced(text, begin - 1, end, '')
    : spliced(text, begin, end + 1, '');
}

/** Edits a text whose lines end in CRLF as if they ended in LF, and restores their ends. */
export function keepingLineEnds<E extends {readonly text?: string | undefined}>(
  text: string,
  edit: (text: string) => E,
): E {
  if (!text.includes('\r\n') || /[^\r]\n/.test(text)) return edit(text);
  const edited = edit(text.replaceAll('\r\n', '\n'));
  return edited.text === undefined ? edited : {...edited, text: edited.text.replaceAll('\n', '\r\n')};
}

export function spliced(text: string, begin: number, end: number, inserted: string): string {
  return `${text.slice(0, begin)}${inserted}${text.slice(end)}`;
}

export function beginOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** Returns the end of a node, without blank lines and comments that follow. */
export function endOf(text: string, node: unknown): number {
  if (isPair(node)) return endOf(text, node.value ?? node.key);
  if (isCollection(node) && node.flow !== true && node.items.length > 0)
    return endOf(text, node.items.at(-1));
  const end = isNode(node) ? (node.range?.[1] ?? 0) : 0;
  return text.slice(0, end).trimEnd().length;
}

export function lineBegin(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
