import {isDeepStrictEqual} from 'node:util';
import {isCollection, isMap, isNode, isPair, isScalar, isSeq, parseDocument} from 'yaml';
import type {Document, YAMLMap, YAMLSeq} from 'yaml';
import {lowerAscii, lowerName} from '../../organization/organization.ts';
import {SERVICES_SSH_HOSTS} from '../../organization/ssh-remote.ts';

/** What a key is for. */
export interface KeyOwner {
  /** The organization, or a server's collection; in lower case. */
  readonly organization: string;
  /** The ssh name of a server, in lower case. `undefined`: that of the rule; in a new rule, Azure DevOps Services. */
  readonly host: string | undefined;
}

export type KeyEdit =
  | {readonly kind: 'text'; readonly text: string}
  /** The rule is for other organizations too, or there are several rules: the user must decide. */
  | {readonly kind: 'shared'}
  /** The text has a form that cannot be changed safely. */
  | {readonly kind: 'unfit'};

/**
 * Returns the text of a configuration that reads a submodule key from a file, in the existing rule or a new one. The rest
 * stays byte for byte, because other programs may read it.
 */
export function setSubmoduleKey(text: string, owner: KeyOwner, file: string): KeyEdit {
  const document = parsed(text);
  if (document === undefined) return {kind: 'unfit'};
  const own = rulesIn(document).filter((rule) => isFor(rule, owner));
  const [rule] = own;
  if (rule === undefined) {
    const added = newRule(owner, file);
    return checked(text, withRule(text, document, added), (rules) => [...rules, added]);
  }
  if (own.every((each) => each.file === file)) return {kind: 'text', text};
  if (own.length > 1 || rule.organizations.length > 1) return {kind: 'shared'};
  return checked(text, withKey(text, rule.node, file), (rules) =>
    rules.with(rule.index, {...fieldsOf(rules[rule.index]), privateKey: {$file: file}}),
  );
}

/** Returns the text without the rule that is for this organization only. `undefined`: no such rule. */
export function removeSubmoduleKey(text: string, owner: KeyOwner): KeyEdit | undefined {
  const document = parsed(text);
  if (document === undefined) return undefined;
  const own = rulesIn(document).find((rule) => rule.organizations.length === 1 && isFor(rule, owner));
  return (
    own && checked(text, withoutRule(text, document, own.index), (rules) => rules.toSpliced(own.index, 1))
  );
}

/** Accepts the new text, which is made of pieces, only if it means the same as the old one except for the rules. */
function checked(
  before: string,
  after: string | undefined,
  change: (rules: readonly unknown[]) => readonly unknown[],
): KeyEdit {
  if (after === undefined) return {kind: 'unfit'};
  const old = fieldsOf(meaningOf(before));
  const section = fieldsOf(old['orgkey']);
  const rules: readonly unknown[] = Array.isArray(section['submodules']) ? section['submodules'] : [];
  const meant = {...old, orgkey: {...section, submodules: change(rules)}};
  return isDeepStrictEqual(meaningOf(after), meant) ? {kind: 'text', text: after} : {kind: 'unfit'};
}

/** Returns the content of a text. `undefined`: it is invalid. */
function meaningOf(text: string): unknown {
  try {
    return parsed(text)?.toJS({maxAliasCount: ALIASED});
  } catch {
    // aliases of aliases, billions of values
    return undefined;
  }
}

/** How many values may come from aliases. */
const ALIASED = 10_000;

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? {...value} : {};
}

function parsed(text: string): Document.Parsed | undefined {
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

interface WrittenRule {
  /** In the list. */
  readonly index: number;
  readonly node: unknown;
  /** In lower case. */
  readonly organizations: readonly string[];
  readonly host: string;
  /** As it is written. */
  readonly file: unknown;
}

function isFor({organizations, host}: WrittenRule, owner: KeyOwner): boolean {
  return organizations.includes(owner.organization) && (owner.host === undefined || owner.host === host);
}

function rulesIn(document: Document.Parsed): WrittenRule[] {
  const rules = document.getIn(['orgkey', 'submodules']);
  if (!isSeq(rules)) return [];
  return rules.items.map((rule, index) => {
    const names = isMap(rule) ? rule.get('organizations') : undefined;
    const organizations = isSeq(names) ? names.toJSON() : [];
    const host = isMap(rule) ? rule.get('host') : undefined;
    return {
      index,
      node: rule,
      organizations: Array.isArray(organizations) ? organizations.map((name) => lowerName(String(name))) : [],
      host: typeof host === 'string' ? lowerAscii(host) : SERVICES_SSH_HOSTS[0],
      file: isMap(rule) ? rule.getIn(['privateKey', '$file']) : undefined,
    };
  });
}

/** As it is written in a configuration. */
interface NewRule {
  readonly organizations: readonly [string];
  readonly host?: string;
  readonly privateKey: {readonly $file: string};
}

function newRule({organization, host}: KeyOwner, file: string): NewRule {
  return {
    organizations: [organization],
    ...(host === undefined ? {} : {host}),
    privateKey: {$file: file},
  };
}

function linesOf({organizations, host, privateKey}: NewRule): readonly string[] {
  return [
    `- organizations: [${JSON.stringify(organizations[0])}]`,
    ...(host === undefined ? [] : [`  host: ${JSON.stringify(host)}`]),
    `  privateKey: {$file: ${JSON.stringify(privateKey.$file)}}`,
  ];
}

/** Returns `undefined` if the text has no place for the rule. */
function withRule(text: string, document: Document.Parsed, rule: NewRule): string | undefined {
  const root = document.contents;
  if (!isMap(root)) return withSection(text, rule);
  if (!root.has('orgkey'))
    return root.flow === true
      ? withEntry(text, root, `"orgkey": ${JSON.stringify({submodules: [rule]})}`)
      : withSection(text, rule);
  const section = root.get('orgkey');
  if (!isMap(section)) return undefined;
  if (!section.has('submodules'))
    return section.flow === true
      ? withEntry(text, section, `"submodules": ${JSON.stringify([rule])}`)
      : withLines(text, section, ['submodules:', ...linesOf(rule).map((line) => `  ${line}`)]);
  const rules = section.get('submodules');
  if (!isSeq(rules)) return undefined;
  return rules.flow === true
    ? withEntry(text, rules, JSON.stringify(rule))
    : withLines(text, rules, linesOf(rule));
}

/** At the end. */
function withSection(text: string, rule: NewRule): string {
  const lines = ['orgkey:', '  submodules:', ...linesOf(rule).map((line) => `    ${line}`)];
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${gap}${['', ...lines, ''].join('\n')}`;
}

/** Adds an entry between brackets, as JSON, because the whole file may be JSON. */
function withEntry(text: string, collection: YAMLMap | YAMLSeq, entry: string): string {
  const last = collection.items.at(-1);
  return last === undefined
    ? spliced(text, beginOf(collection) + 1, beginOf(collection) + 1, entry)
    : spliced(text, endOf(text, last), endOf(text, last), `, ${entry}`);
}

/** Adds lines below the last entry, with its indentation. */
function withLines(text: string, collection: YAMLMap | YAMLSeq, lines: readonly string[]): string {
  const begin = beginOf(collection);
  const indent = ' '.repeat(begin - lineBegin(text, begin));
  const at = lineEnd(text, endOf(text, collection));
  return spliced(text, at, at, lines.map((line) => `\n${indent}${line}`).join(''));
}

function withKey(text: string, rule: unknown, file: string): string | undefined {
  if (!isMap(rule)) return undefined;
  const {value} = rule.items.find(({key}) => isScalar(key) && key.value === 'privateKey') ?? {};
  if (!isNode(value)) return undefined;
  const key = rule.flow === true ? JSON.stringify({$file: file}) : `{$file: ${JSON.stringify(file)}}`;
  return spliced(text, beginOf(value), endOf(text, value), key);
}

function withoutRule(text: string, document: Document.Parsed, index: number): string | undefined {
  const rules = document.getIn(['orgkey', 'submodules']);
  if (!isSeq(rules)) return undefined;
  const rule = rules.items[index];
  const end = endOf(text, rule);
  if (rules.flow === true) {
    const [before, after] = [rules.items[index - 1], rules.items[index + 1]];
    if (after !== undefined) return spliced(text, beginOf(rule), beginOf(after), '');
    return spliced(text, before === undefined ? beginOf(rule) : endOf(text, before), end, '');
  }
  const list = rules.srcToken?.type === 'block-seq' ? rules.srcToken : undefined;
  const dash = list?.items[index]?.start.find(({type}) => type === 'seq-item-ind')?.offset;
  if (dash === undefined) return undefined;
  if (rules.items.length > 1) return spliced(text, lineBegin(text, dash), lineEnd(text, end) + 1, '');
  // an empty list follows its name if nothing is written between the two
  const name = text.slice(0, dash).trimEnd();
  return spliced(text, name.endsWith(':') ? name.length : dash, end, name.endsWith(':') ? ' []' : '[]');
}

function spliced(text: string, begin: number, end: number, inserted: string): string {
  return `${text.slice(0, begin)}${inserted}${text.slice(end)}`;
}

function beginOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** Returns the end of a node, without blank lines and comments that follow. */
function endOf(text: string, node: unknown): number {
  if (isPair(node)) return endOf(text, node.value ?? node.key);
  if (isCollection(node) && node.flow !== true && node.items.length > 0)
    return endOf(text, node.items.at(-1));
  const end = isNode(node) ? (node.range?.[1] ?? 0) : 0;
  return text.slice(0, end).trimEnd().length;
}

function lineBegin(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Returns the offset of the line break. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
