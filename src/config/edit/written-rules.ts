import {isAlias, isMap, isScalar, isSeq, type Document, type YAMLMap, type YAMLSeq} from 'yaml';
import {lowerName} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {readHost} from '../value/read-host.ts';
import {fieldsOf} from './splice.ts';

/** An entry of `integrations.azure`, as it is written. */
export interface WrittenHost {
  /** In the list. */
  readonly index: number;
  readonly node: YAMLMap;
  /** `dev.azure.com` for every spelling of it. `undefined`: only known when variables are replaced. */
  readonly host: string | undefined;
  /** The organization that the host itself names. */
  readonly named: string | undefined;
  readonly credentials: YAMLSeq | undefined;
}

export interface WrittenRule {
  readonly host: WrittenHost;
  /** In the credentials of the host. */
  readonly index: number;
  readonly list: YAMLSeq;
  readonly node: YAMLMap;
  /** In lower case; empty for a fallback. */
  readonly organizations: readonly string[];
  /** The list of their names, if it is written in the rule. */
  readonly names: YAMLSeq | undefined;
}

export function hostsIn(document: Document.Parsed): WrittenHost[] {
  const azure = document.getIn(['integrations', 'azure']);
  if (!isSeq(azure)) return [];
  return azure.items.flatMap((node, index) => {
    if (!isMap(node)) return [];
    const credentials = node.get('credentials');
    return [{index, node, ...readName(node), credentials: isSeq(credentials) ? credentials : undefined}];
  });
}

function readName(node: YAMLMap): Pick<WrittenHost, 'host' | 'named'> {
  const written = node.get('host');
  if (written !== undefined && typeof written !== 'string') return {host: undefined, named: undefined};
  const host = readHost(written);
  switch (host.kind) {
    case 'services':
      return {host: SERVICES_HOST, named: undefined};
    case 'organization':
      return {host: SERVICES_HOST, named: host.organization};
    case 'server':
      return {host: host.host, named: undefined};
    case 'any':
    case 'invalid':
      return {host: undefined, named: undefined};
  }
}

/** Returns the credentials of a host that are written there. An alias is not. */
export function rulesOf(host: WrittenHost): WrittenRule[] {
  const list = host.credentials;
  if (list === undefined) return [];
  return list.items.flatMap((node, index) => {
    if (!isMap(node)) return [];
    const names = node.get('organizations', true);
    const written = isSeq(names) ? names.items.map((name) => (isScalar(name) ? String(name.value) : '')) : [];
    const isElsewhere = isAlias(names) || node.has('<<');
    if (isElsewhere) return [];
    return [
      {
        host,
        index,
        list,
        node,
        organizations: host.named === undefined ? written.map(lowerName) : [host.named],
        names: isSeq(names) ? names : undefined,
      },
    ];
  });
}

export function identityOf(rule: unknown): Readonly<Record<string, unknown>> {
  const {organizations: _, ...identity} = fieldsOf(rule);
  return identity;
}
