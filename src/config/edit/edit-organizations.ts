import {isDeepStrictEqual} from 'node:util';
import {isMap, isScalar, isSeq, type Document, type YAMLMap} from 'yaml';
import {lowerName} from '../../organization/organization.ts';
import {changeIdentity} from './change-identity.ts';
import {
  fieldsOf,
  keepingLineEnds,
  meaningOf,
  parsed,
  spliced,
  beginOf,
  endOf,
  lineEnd,
  withEntry,
  withLines,
  withoutItem,
  checkedList,
  itemsOf,
} from './splice.ts';
import {hostsIn, identityOf, rulesOf, type WrittenHost, type WrittenRule} from './written-rules.ts';

export interface RuleOwner {
  /** As it is to be written. `undefined`: all organizations of the host that no other credential names. */
  readonly organization: string | undefined;
  /** In lower case. */
  readonly host: string;
}

export type OrganizationEdit =
  | {readonly kind: 'text'; readonly text: string; readonly change: 'none' | 'added' | 'changed' | 'removed'}
  /** Nothing in the text names the organization. */
  | {readonly kind: 'absent'; readonly text?: undefined}
  /** The text has a form that cannot be changed safely. */
  | {readonly kind: 'unfit'; readonly text?: undefined};

/**
 * Returns the text of a configuration in which an organization has this credential, and only this one. A credential
 * that is for other organizations too stays theirs. Everything else stays byte for byte. Each field is a line of YAML,
 * `name: value`.
 */
export function setOrganization(text: string, owner: RuleOwner, fields: readonly string[]): OrganizationEdit {
  return keepingLineEnds(text, (lines) => setIn(lines, owner, fields));
}

/** Returns the text in which no credential names the organization. A credential goes with its last organization. */
export function removeOrganization(text: string, owner: RuleOwner): OrganizationEdit {
  return keepingLineEnds(text, (lines) => removeFrom(lines, owner));
}

const UNFIT: OrganizationEdit = {kind: 'unfit'};

function setIn(text: string, owner: RuleOwner, fields: readonly string[]): OrganizationEdit {
  const document = parsed(text);
  if (document === undefined) return UNFIT;
  const hosts = hostsIn(document);
  const [rule, ...others] = hosts.flatMap(rulesOf).filter((one) => isFor(one, owner));
  if (others.length > 0) return UNFIT;
  if (rule === undefined) return asEdit(addRule(text, {document, hosts}, owner, fields), 'added');
  const meaning = ruleIn(meaningOf(text), rule);
  const wanted = fieldsOf(meaningOf(fields.join('\n')));
  if (isDeepStrictEqual(identityOf(meaning), wanted)) return {kind: 'text', text, change: 'none'};
  if (rule.organizations.length > 1) {
    const rest = withoutName(text, rule, owner);
    const split = rest === undefined ? UNFIT : setIn(rest, owner, fields);
    return asEdit(split.text, 'changed');
  }
  const organizations = fieldsOf(meaning)['organizations'];
  const after = changeIdentity(text, rule.node, fields);
  return asEdit(
    checked(text, after, (azure) =>
      withCredentials(azure, rule.host, (list) =>
        list.with(rule.index, organizations === undefined ? wanted : {organizations, ...wanted}),
      ),
    ),
    'changed',
  );
}

function removeFrom(text: string, owner: RuleOwner): OrganizationEdit {
  const document = parsed(text);
  if (document === undefined) return UNFIT;
  const hosts = hostsIn(document);
  const [rule, ...others] = hosts.flatMap(rulesOf).filter((one) => isFor(one, owner));
  if (rule === undefined) return {kind: 'absent'};
  if (others.length > 0) return UNFIT;
  if (rule.organizations.length > 1) return asEdit(withoutName(text, rule, owner), 'removed');
  const azure = document.getIn(['integrations', 'azure']);
  const isWholeHost = rule.list.items.length === 1 && hosts.length > 1 && rule.host.node.items.length === 2;
  if (isWholeHost && isSeq(azure))
    return asEdit(
      checked(text, withoutItem(text, azure, rule.host.index), (list) => list.toSpliced(rule.host.index, 1)),
      'removed',
    );
  return asEdit(
    checked(text, withoutItem(text, rule.list, rule.index), (list) =>
      withCredentials(list, rule.host, (credentials) => credentials.toSpliced(rule.index, 1)),
    ),
    'removed',
  );
}

function asEdit(text: string | undefined, change: 'added' | 'changed' | 'removed'): OrganizationEdit {
  return text === undefined ? UNFIT : {kind: 'text', text, change};
}

function isFor({host, organizations}: WrittenRule, owner: RuleOwner): boolean {
  if (host.host !== owner.host) return false;
  if (owner.organization === undefined) return organizations.length === 0;
  return organizations.includes(lowerName(owner.organization));
}

function withoutName(text: string, rule: WrittenRule, {organization = ''}: RuleOwner): string | undefined {
  const index = rule.organizations.indexOf(lowerName(organization));
  if (rule.names === undefined) return undefined;
  return checked(text, withoutItem(text, rule.names, index), (azure) =>
    changeNames(azure, rule, (names) => names.toSpliced(index, 1)),
  );
}

interface Place {
  readonly document: Document.Parsed;
  readonly hosts: readonly WrittenHost[];
}

/** Adds the organization to a rule with the same identity, or a rule to its host, or the host to the list. */
function addRule(
  text: string,
  {document, hosts}: Place,
  owner: RuleOwner,
  fields: readonly string[],
): string | undefined {
  const {organization} = owner;
  const wanted = fieldsOf(meaningOf(fields.join('\n')));
  const meaning = meaningOf(text);
  const open = hosts.filter(({host, named}) => host === owner.host && named === undefined);
  const same = open
    .flatMap(rulesOf)
    .find((rule) => rule.names !== undefined && isDeepStrictEqual(identityOf(ruleIn(meaning, rule)), wanted));
  if (organization !== undefined && same?.names !== undefined && same.names.items.length > 0) {
    const name = JSON.stringify(organization);
    const after =
      same.names.flow === true
        ? withEntry(text, same.names, name)
        : withLines(text, same.names, [`- ${name}`]);
    return checked(text, after, (azure) => changeNames(azure, same, (names) => [...names, organization]));
  }
  const rule = organization === undefined ? wanted : {organizations: [organization], ...wanted};
  const lines = linesOf(organization, fields);
  const [host] = open;
  if (host !== undefined)
    return checked(text, appendTo(text, host.node, 'credentials', {lines, json: rule}), (azure) =>
      withCredentials(azure, host, (list) => [...list, rule]),
    );
  const entry = {host: owner.host, credentials: [rule]};
  const hostLines = [
    `- host: ${owner.host === 'dev.azure.com' ? owner.host : JSON.stringify(owner.host)}`,
    '  credentials:',
    ...lines.map((line) => `    ${line}`),
  ];
  const after = withHost(text, document, {lines: hostLines, json: entry});
  return checked(text, after, (azure) => [...azure, entry]);
}

function linesOf(organization: string | undefined, fields: readonly string[]): readonly string[] {
  const all =
    organization === undefined ? fields : [`organizations: [${JSON.stringify(organization)}]`, ...fields];
  return all.map((line, at) => (at === 0 ? `- ${line}` : `  ${line}`));
}

/** An entry of a list, as lines and as a value. */
interface Entry {
  readonly lines: readonly string[];
  readonly json: object;
}

function withHost(text: string, document: Document.Parsed, entry: Entry): string | undefined {
  const root = document.contents;
  const azure = {
    lines: ['azure:', ...entry.lines.map((line) => `  ${line}`)],
    json: {azure: [entry.json]},
  };
  if (!isMap(root)) {
    const gap = text === '' || text.endsWith('\n') ? '' : '\n';
    return `${text}${gap}${['integrations:', ...azure.lines.map((line) => `  ${line}`), ''].join('\n')}`;
  }
  const integrations = root.get('integrations');
  if (isMap(integrations)) return appendTo(text, integrations, 'azure', entry);
  return putKey(text, root, 'integrations', azure);
}

/** Appends an entry to the list that a key has, or is to have. */
function appendTo(text: string, map: YAMLMap, key: string, entry: Entry): string | undefined {
  const list = map.get(key);
  if (!isSeq(list)) return putKey(text, map, key, {lines: entry.lines, json: [entry.json]});
  if (list.items.length === 0 && map.flow !== true) return putKey(text, map, key, entry);
  return list.flow === true
    ? withEntry(text, list, JSON.stringify(entry.json))
    : withLines(text, list, entry.lines);
}

/** Returns the text in which a key that is missing, or empty, has a value. */
function putKey(text: string, map: YAMLMap, key: string, {lines, json}: Entry): string | undefined {
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  const nested = lines.map((line) => `  ${line}`);
  if (pair === undefined)
    return map.flow === true
      ? withEntry(text, map, `${JSON.stringify(key)}: ${JSON.stringify(json)}`)
      : withLines(text, map, [`${key}:`, ...nested]);
  if (map.flow === true) return undefined;
  const isEmpty =
    (isScalar(pair.value) && pair.value.value === null) ||
    (isSeq(pair.value) && pair.value.items.length === 0);
  if (!isEmpty) return undefined;
  const begin = beginOf(map);
  const indent = ' '.repeat(begin - (text.lastIndexOf('\n', begin - 1) + 1));
  const colon = text.indexOf(':', endOf(text, pair.key)) + 1;
  const written = endOf(text, pair.value);
  const added = nested.map((line) => `\n${indent}${line}`).join('');
  if (written > colon) return spliced(text, colon, written, added);
  const end = lineEnd(text, colon);
  return spliced(text, end, end, added);
}

function checked(
  before: string,
  after: string | undefined,
  change: (azure: readonly unknown[]) => readonly unknown[],
): string | undefined {
  return checkedList(before, after, ['integrations', 'azure'], change);
}

function withCredentials(
  azure: readonly unknown[],
  {index}: WrittenHost,
  change: (credentials: readonly unknown[]) => readonly unknown[],
): readonly unknown[] {
  const host = fieldsOf(azure[index]);
  return azure.with(index, {...host, credentials: change(itemsOf(host['credentials']))});
}

function changeNames(
  azure: readonly unknown[],
  {host, index}: WrittenRule,
  change: (names: readonly unknown[]) => readonly unknown[],
): readonly unknown[] {
  return withCredentials(azure, host, (list) => {
    const rule = fieldsOf(list[index]);
    return list.with(index, {...rule, organizations: change(itemsOf(rule['organizations']))});
  });
}

function ruleIn(meaning: unknown, {host, index}: WrittenRule): unknown {
  const {azure} = fieldsOf(fieldsOf(meaning)['integrations']);
  return itemsOf(fieldsOf(itemsOf(azure)[host.index])['credentials'])[index];
}
