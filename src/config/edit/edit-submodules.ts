import {isMap, isNode, isScalar, isSeq, type Document} from 'yaml';
import {lowerAscii, lowerName} from '../../organization/organization.ts';
import {SERVICES_SSH_HOSTS} from '../../organization/ssh-remote.ts';
import {beginOf, endOf, fieldsOf, parsed, spliced, withoutItem, checkedList} from './splice.ts';
import {withSectionItem} from './splice-section.ts';

export interface KeyOwner {
  /** The organization, or a server's collection; in lower case. */
  readonly organization: string;
  /** The ssh name of a server, in lower case. `undefined`: that of the rule; in a new rule, Azure DevOps Services. */
  readonly host: string | undefined;
}

type KeyEdit =
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
    const next = withSectionItem(text, document, 'submodules', {value: added, lines: linesOf(added)});
    return checked(text, next, (rules) => [...rules, added]);
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

function checked(
  before: string,
  after: string | undefined,
  change: (rules: readonly unknown[]) => readonly unknown[],
): KeyEdit {
  const text = checkedList(before, after, ['orgkey', 'submodules'], change);
  return text === undefined ? {kind: 'unfit'} : {kind: 'text', text};
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
  return withoutItem(text, rules, index);
}
