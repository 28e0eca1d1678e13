import type {Binding} from '../../identity/bindings.ts';
import type {Identity} from '../../identity/identity.ts';
import {lowerName, organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {buildIdentity, type IdentityParts} from './build-identity.ts';
import {isMisspelt} from '../../text/nearest-word.ts';
import {readHost, type ConfiguredHost} from '../value/read-host.ts';
import {sourceOf, valueAt, type Written, type WrittenMap} from '../text/written.ts';

/** Everything below `integrations.azure`, as bindings. What is wrong is told to `parts.problems`. */
export function buildBindings(azure: Written | undefined, parts: IdentityParts): Binding[] {
  const builder = new BindingsBuilder(parts);
  if (azure?.kind === 'list') for (const integration of azure.items) builder.add(integration);
  return builder.bindings;
}

class BindingsBuilder {
  readonly bindings: Binding[] = [];
  readonly #parts: IdentityParts;
  /** Where each organization was named first, by host and name. */
  readonly #named = new Map<string, number>();
  /** Where each host's fallback stands. */
  readonly #fallbacks = new Map<string, number>();

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  add(integration: Written): void {
    if (integration.kind !== 'map') return;
    const {problems, resolver} = this.#parts;
    for (const removed of ['token', 'credential']) {
      const entry = integration.entries.get(removed);
      if (entry !== undefined)
        problems.error(entry.keyAt, `${removed} was removed: use credentials`, REMOVED_HINTS.get(removed));
    }
    const written = valueAt(integration, 'host');
    const text = resolver.text(written);
    // a host that could not be read is not the default one
    if (written !== undefined && text === undefined) return this.#skip(integration);
    const host = readHost(text);
    if (host.kind === 'invalid') {
      problems.error(written?.at ?? integration.at, `host ${host.message}`, host.hint);
      return this.#skip(integration);
    }
    const credentials = valueAt(integration, 'credentials');
    if (credentials === undefined || credentials.kind === 'nothing')
      problems.warn(integration.at, 'no credentials: requests for this host are passed on');
    for (const credential of mapsOf(credentials)) this.#bind(credential, host);
  }

  /** The credentials of a host that is none are still looked through: all problems are told at once. */
  #skip(integration: WrittenMap): void {
    for (const credential of mapsOf(valueAt(integration, 'credentials')))
      buildIdentity(credential, this.#parts);
  }

  #bind(credential: WrittenMap, host: Exclude<ConfiguredHost, {kind: 'invalid'}>): void {
    const {problems} = this.#parts;
    const identity = buildIdentity(credential, this.#parts);
    const organizations = this.#organizations(credential, host);
    if (identity === undefined || organizations === undefined) return;
    const misfit = misfitOf(identity, host);
    if (misfit !== undefined) return problems.error(credential.at, misfit);
    const place = problems.place(credential.at);
    this.bindings.push({identity, host: keyOf(host), organizations, place});
  }

  /** As written; `undefined` where they are wrong. */
  #organizations(
    credential: WrittenMap,
    host: Exclude<ConfiguredHost, {kind: 'invalid'}>,
  ): readonly string[] | undefined {
    const {problems, resolver} = this.#parts;
    const written = valueAt(credential, 'organizations');
    const listed = resolver.texts(written);
    if (written !== undefined && written.kind !== 'list') return undefined;
    if (written === undefined && isMisspelt('organizations', credential.entries.keys())) return undefined;
    if (host.kind === 'any' && listed.length > 0) {
      problems.error(written?.at ?? credential.at, 'the host * has no organizations');
      return undefined;
    }
    if (host.kind === 'organization') return this.#single(credential, listed, host.organization);
    // what could not be read was there: it makes no fallback
    let sound = listed.length === (written?.items.length ?? 0);
    if (sound && listed.length === 0) return this.#fallback(credential, keyOf(host)) ? [] : undefined;
    for (const {text, at, literal} of listed) {
      const name = host.kind === 'services' ? organizationFrom(text) : collectionFrom(text);
      if (name === undefined) {
        problems.error(at, host.kind === 'services' ? NO_ORGANIZATION : NO_COLLECTION);
        sound = false;
      } else if (!this.#claim(keyOf(host), name, at, literal)) sound = false;
    }
    return sound ? listed.map(({text}) => text) : undefined;
  }

  /** Of `{organization}.visualstudio.com`: the host says which. */
  #single(
    credential: WrittenMap,
    listed: readonly {readonly text: string; readonly at: number; readonly literal: boolean}[],
    organization: string,
  ): readonly string[] | undefined {
    const other = listed.find(({text}) => organizationFrom(text) !== organization);
    if (other !== undefined) {
      this.#parts.problems.error(
        other.at,
        'the host names another organization',
        `list it under ${SERVICES_HOST}`,
      );
      return undefined;
    }
    const at = listed[0]?.at ?? credential.at;
    return this.#claim(SERVICES_HOST, organization, at, true) ? [organization] : undefined;
  }

  #claim(host: string, name: string, at: number, literal: boolean): boolean {
    const key = `${host}/${name}`;
    const first = this.#named.get(key);
    if (first === undefined) {
      this.#named.set(key, at);
      return true;
    }
    const {problems} = this.#parts;
    const what = host === SERVICES_HOST ? 'organization' : 'collection';
    problems.error(
      at,
      `the ${what} ${literal ? `${name} ` : ''}is listed twice, first at ${problems.place(first)}`,
    );
    return false;
  }

  #fallback(credential: WrittenMap, host: string): boolean {
    const first = this.#fallbacks.get(host);
    if (first === undefined) {
      this.#fallbacks.set(host, credential.at);
      return true;
    }
    const {problems} = this.#parts;
    problems.error(
      credential.at,
      `a second credential without organizations for the same host, the first is at ${problems.place(first)}`,
      'only one can be the fallback: name the organizations of the other',
    );
    return false;
  }
}

/** Without those with a key that begins with `$`: what would act there is not known, and told already. */
function mapsOf(list: Written | undefined): WrittenMap[] {
  if (list?.kind !== 'list') return [];
  return list.items.filter((item) => item.kind === 'map').filter((item) => sourceOf(item) === undefined);
}

function keyOf(host: Exclude<ConfiguredHost, {kind: 'invalid'}>): string {
  switch (host.kind) {
    case 'services':
    case 'organization':
      return SERVICES_HOST;
    case 'server':
      return host.host;
    case 'any':
      return '*';
  }
}

/** Entra's identities are for Azure DevOps Services only. */
function misfitOf(identity: Identity, host: Exclude<ConfiguredHost, {kind: 'invalid'}>): string | undefined {
  if (identity.kind === 'stored') return undefined;
  if (host.kind === 'any') return 'on the host * only stored: true is possible';
  if (host.kind === 'server' && identity.kind !== 'pat')
    return `only personalAccessToken and stored are possible on hosts other than ${SERVICES_HOST}`;
  return undefined;
}

/** The name of a collection, in lower case. Collections may hold spaces, dots and underscores. */
export function collectionFrom(text: string): string | undefined {
  if (text === '' || text === '.' || text === '..' || text.length > 64) return undefined;
  return /[\p{Cc}/\\:*?"<>|;#$]/u.test(text) ? undefined : lowerName(text);
}

const NO_ORGANIZATION = 'no name of an organization: letters, digits and hyphens, 50 at most';
const NO_COLLECTION = 'no name of a collection';

const REMOVED_HINTS: ReadonlyMap<string, string> = new Map([
  ['token', 'credentials: [{personalAccessToken: …}]'],
  ['credential', 'credentials: [{…}], a list of what stands here'],
]);
