import {isMap, isSeq, parseDocument, type Document} from 'yaml';
import {lowerAscii, lowerName} from '../organization/organization.ts';
import {SERVICES_SSH_HOSTS} from '../organization/ssh-remote.ts';

/** Whom a key is for. */
export interface KeyOwner {
  /** The organization, or a server's collection; in lower case. */
  readonly organization: string;
  /** The ssh name of a server, in lower case. `undefined`: whichever a rule names, Azure DevOps Services in a new one. */
  readonly host: string | undefined;
}

export type KeyEdit =
  | {readonly kind: 'text'; readonly text: string}
  /** The rule is for others too, or there are several: which key would be another one, only a person can say. */
  | {readonly kind: 'shared'}
  /** The text is not of a form that can be added to. */
  | {readonly kind: 'unfit'};

/**
 * The text of a configuration in which a submodule key is read from a file: by the rule that is there, or a new one.
 * What else stands in it stays, comments included.
 */
export function setSubmoduleKey(text: string, owner: KeyOwner, file: string): KeyEdit {
  const document = parsed(text);
  if (document === undefined) return {kind: 'unfit'};
  const at = ['orgkey', 'submodules'];
  const own = rulesIn(document).filter((rule) => isFor(rule, owner));
  if (own.length > 0) {
    if (own.every((rule) => rule.file === file)) return {kind: 'text', text};
    const [rule] = own;
    if (rule === undefined || own.length > 1 || rule.organizations.length > 1) return {kind: 'shared'};
    document.setIn([...at, rule.index, 'privateKey'], document.createNode({$file: file}));
    return {kind: 'text', text: document.toString({lineWidth: 0})};
  }
  // at the end of the text nothing has to be laid out anew
  if (!document.has('orgkey'))
    return {kind: 'text', text: `${text.replace(/\n*$/, '\n')}${blockOf(owner, file)}`};
  const {organization, host} = owner;
  const rule = {
    organizations: [organization],
    ...(host === undefined ? {} : {host}),
    privateKey: {$file: file},
  };
  if (isSeq(document.getIn(at))) document.addIn(at, document.createNode(rule));
  else if (isMap(document.get('orgkey')) && !document.hasIn(at)) document.setIn(at, [rule]);
  else return {kind: 'unfit'};
  return {kind: 'text', text: document.toString({lineWidth: 0})};
}

/** The text without the rule that is for this organization alone. `undefined`: there is none. */
export function removeSubmoduleKey(text: string, owner: KeyOwner): string | undefined {
  const document = parsed(text);
  if (document === undefined) return undefined;
  const own = rulesIn(document).find((rule) => rule.organizations.length === 1 && isFor(rule, owner));
  if (own === undefined) return undefined;
  document.deleteIn(['orgkey', 'submodules', own.index]);
  return document.toString({lineWidth: 0});
}

function parsed(text: string): Document | undefined {
  const document = parseDocument(text, {logLevel: 'error', prettyErrors: false});
  return document.errors.length === 0 && (document.contents === null || isMap(document.contents))
    ? document
    : undefined;
}

interface WrittenRule {
  /** In the list. */
  readonly index: number;
  /** In lower case. */
  readonly organizations: readonly string[];
  readonly host: string;
  /** As it is written. */
  readonly file: unknown;
}

function isFor({organizations, host}: WrittenRule, owner: KeyOwner): boolean {
  return organizations.includes(owner.organization) && (owner.host === undefined || owner.host === host);
}

function rulesIn(document: Document): WrittenRule[] {
  const rules = document.getIn(['orgkey', 'submodules']);
  if (!isSeq(rules)) return [];
  return rules.items.map((rule, index) => {
    const names = isMap(rule) ? rule.get('organizations') : undefined;
    const organizations = isSeq(names) ? names.toJSON() : [];
    const host = isMap(rule) ? rule.get('host') : undefined;
    return {
      index,
      organizations: Array.isArray(organizations) ? organizations.map((name) => lowerName(String(name))) : [],
      host: typeof host === 'string' ? lowerAscii(host) : SERVICES_SSH_HOSTS[0],
      file: isMap(rule) ? rule.getIn(['privateKey', '$file']) : undefined,
    };
  });
}

function blockOf({organization, host}: KeyOwner, file: string): string {
  return [
    '',
    'orgkey:',
    '  submodules:',
    `    - organizations: [${JSON.stringify(organization)}]`,
    ...(host === undefined ? [] : [`      host: ${JSON.stringify(host)}`]),
    `      privateKey: {$file: ${JSON.stringify(file)}}`,
    '',
  ].join('\n');
}
