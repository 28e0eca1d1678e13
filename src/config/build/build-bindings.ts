import type {Binding} from '../../identity/bindings.ts';
import type {Identity} from '../../identity/identity.ts';
import {lowerName, organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {isMisspelt} from '../../text/nearest-word.ts';
import {readFields, type Item} from '../shape/collections.ts';
import {INTEGRATION} from '../shape/credential-kinds.ts';
import type {Said} from '../text/problems.ts';
import {sourceOf, valueAt, type Written, type WrittenMap} from '../text/written.ts';
import {collectionFrom} from '../value/collection-name.ts';
import {readHost, type ConfiguredHost} from '../value/read-host.ts';
import {buildCredential, type Credential, type IdentityParts} from './build-identity.ts';

/** Builds the bindings of everything below `integrations.azure`. A credential that is wrong spares the others. */
export function buildBindings(azure: Written | undefined, parts: IdentityParts): Binding[] {
  const builder = new BindingsBuilder(parts);
  if (azure?.kind === 'list') for (const integration of azure.items) builder.add(integration);
  else if (azure !== undefined && azure.kind !== 'nothing')
    parts.reader.wrongType(azure, AZURE, 'a list: begin each host with a hyphen');
  return builder.bindings;
}

const AZURE = {label: 'azure', keyAt: undefined};

type ValidHost = Exclude<ConfiguredHost, {kind: 'invalid'}>;

class BindingsBuilder {
  readonly bindings: Binding[] = [];
  readonly #parts: IdentityParts;
  /** The first place of each organization, by host and name. */
  readonly #named = new Map<string, number>();
  /** The place of the fallback of each host. */
  readonly #fallbacks = new Map<string, number>();

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  add(integration: Written): void {
    const {reader} = this.#parts;
    if (integration.kind !== 'map') {
      reader.wrongType(integration, AZURE, 'a mapping');
      return;
    }
    const {values, wrong} = readFields(integration, INTEGRATION, reader);
    const host = this.#host(integration, values.host);
    if ((values.credentials ?? []).length === 0 && !wrong.has('credentials'))
      reader.problems.warn(
        integration.at,
        'no credentials: requests for this host are passed on; Backstage would use DefaultAzureCredential',
        'for the same: credentials: [{environment: azure}]',
      );
    for (const written of values.credentials ?? []) this.#addCredential(written, host);
  }

  /** Returns `undefined` if the host is wrong. Its credentials are still read, so that all problems are reported. */
  #host(integration: WrittenMap, text: string | undefined): ValidHost | undefined {
    if (text === undefined) return undefined;
    const host = readHost(text);
    if (host.kind !== 'invalid') return host;
    const at = integration.entries.get('host')?.value.at ?? integration.at;
    this.#parts.reader.refuse(at, `host ${host.message}`, host.hint);
    return undefined;
  }

  #addCredential(written: Written, host: ValidHost | undefined): void {
    const {reader} = this.#parts;
    if (written.kind !== 'map') {
      reader.refuse(written.at, 'a credential must be a mapping');
      return;
    }
    const tokenFile = this.#tokenFile(written, host);
    const {result: credential, errors} = reader.problems.during(() => buildCredential(written, this.#parts));
    // its organizations may come from elsewhere, too
    if (host === undefined || sourceOf(written) !== undefined) return;
    const organizations = this.#organizations(written, credential, host);
    if (organizations === undefined) return;
    const identity = credential.identity ?? this.#unusable(written, errors, credential);
    const usable = identity && this.#possible(written, identity, host);
    if (usable === undefined) return;
    const place = reader.problems.place(written.at);
    this.bindings.push({identity: usable, host: keyOf(host), organizations, place, tokenFile});
  }

  /** Returns the file of its personal access token, and says how that is entered if it cannot be read. */
  #tokenFile({entries}: WrittenMap, host: ValidHost | undefined): string | undefined {
    const {resolver, problems} = this.#parts.reader;
    const value = entries.get('personalAccessToken')?.value;
    if (value?.kind !== 'map') return undefined;
    const name = host?.kind === 'services' ? firstNameIn(entries.get('organizations')?.value) : undefined;
    const at = valueAt(value, '$file')?.at;
    if (at !== undefined && name !== undefined)
      problems.advise(at, `enter the token: orgkey login ${name} --paste`);
    return resolver.fileOf(value);
  }

  /** Confines the errors to the organizations of the credential. `undefined`: without one, its value is only absent here. */
  #unusable(
    written: WrittenMap,
    errors: readonly Said[],
    {lacksSecret}: Pick<Credential, 'lacksSecret'>,
  ): Identity | undefined {
    const {problems} = this.#parts.reader;
    const [first] = errors;
    if (first === undefined) return undefined;
    problems.confine(errors);
    const {at, message, hint} = first;
    const code = lacksSecret ? 'ERR_SECRET_UNREADABLE' : 'ERR_CREDENTIAL';
    return {
      kind: 'unusable',
      key: `unusable:${problems.place(written.at)}`,
      failure: {code, message: `${problems.place(at)}: ${message}`, hint},
    };
  }

  /** Returns the identity, or one that is not usable if it cannot act on the host. */
  #possible(written: WrittenMap, identity: Identity, host: ValidHost): Identity | undefined {
    const reason = whyImpossible(identity, host);
    if (reason === undefined) return identity;
    const {problems} = this.#parts.reader;
    const {errors} = problems.during(() => problems.error(written.at, reason));
    return this.#unusable(written, errors, {lacksSecret: false});
  }

  /** Returns the organizations as written. `undefined`: they are wrong. */
  #organizations(
    written: WrittenMap,
    {organizations = [], isIncomplete}: Credential,
    host: ValidHost,
  ): readonly string[] | undefined {
    const {problems} = this.#parts.reader;
    // a slip of the pen does not make a fallback
    if (!written.entries.has('organizations') && isMisspelt('organizations', written.entries.keys()))
      return undefined;
    if (host.kind === 'organization') return this.#single(written, organizations, host.organization);
    if (organizations.length === 0 && !isIncomplete) return this.#fallback(written, host);
    if (host.kind !== 'any')
      return this.#claimAll(organizations, host) && !isIncomplete
        ? organizations.map(({value}) => value)
        : undefined;
    const {at} = written.entries.get('organizations')?.value ?? written;
    return problems.error(at, 'the host * has no organizations');
  }

  /** Returns whether all are names that no other credential has. */
  #claimAll(organizations: readonly Item<string>[], host: ValidHost): boolean {
    const isServices = host.kind === 'services';
    const claimed = organizations.map(({value, at, isLiteral}) => {
      const name = isServices ? organizationFrom(value) : collectionFrom(value);
      if (name !== undefined) return this.#claim({host: keyOf(host), name, at, isLiteral});
      this.#parts.reader.problems.error(
        at,
        isServices ? NO_ORGANIZATION : NO_COLLECTION,
        isServices ? undefined : 'write a virtual directory behind the host: server.example.org/devops',
      );
      return false;
    });
    return claimed.every(Boolean);
  }

  /** For `{organization}.visualstudio.com`, where the host names the organization. */
  #single(
    written: WrittenMap,
    organizations: readonly Item<string>[],
    organization: string,
  ): readonly string[] | undefined {
    const other = organizations.find(({value}) => organizationFrom(value) !== organization);
    if (other !== undefined)
      return this.#parts.reader.problems.error(
        other.at,
        'the host names another organization',
        `list it under ${SERVICES_HOST}`,
      );
    const at = organizations[0]?.at ?? written.at;
    const isFirst = this.#claim({host: SERVICES_HOST, name: organization, at, isLiteral: true});
    return isFirst ? [organization] : undefined;
  }

  #claim({
    host,
    name,
    at,
    isLiteral,
  }: {
    readonly host: string;
    readonly name: string;
    readonly at: number;
    readonly isLiteral: boolean;
  }): boolean {
    const key = lowerName(`${host}/${name}`);
    const first = this.#named.get(key);
    if (first === undefined) {
      this.#named.set(key, at);
      return true;
    }
    const {problems} = this.#parts.reader;
    const what = host === SERVICES_HOST ? 'organization' : 'collection';
    const shown = isLiteral ? `${name} ` : '';
    problems.error(at, `the ${what} ${shown}is listed twice, first at ${problems.place(first)}`);
    return false;
  }

  #fallback(written: WrittenMap, host: ValidHost): readonly string[] | undefined {
    const key = lowerName(keyOf(host));
    const first = this.#fallbacks.get(key);
    if (first === undefined) {
      this.#fallbacks.set(key, written.at);
      return [];
    }
    const {problems} = this.#parts.reader;
    return problems.error(
      written.at,
      `a second credential without organizations for the same host, the first is at ${problems.place(first)}`,
      'only one can be the fallback: name the organizations of the other',
    );
  }
}

function firstNameIn(written: Written | undefined): string | undefined {
  const first = written?.kind === 'list' ? written.items[0] : undefined;
  return first?.kind === 'text' && organizationFrom(first.text) !== undefined ? first.text : undefined;
}

function keyOf(host: ValidHost): string {
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

/** Returns why an identity cannot act on a host: those of Entra are for Azure DevOps Services only. */
function whyImpossible(identity: Identity, host: ValidHost): string | undefined {
  if (identity.kind === 'stored' || identity.kind === 'unusable') return undefined;
  if (host.kind === 'any') return 'on the host * only stored: true is possible';
  // fact 55
  if (host.kind === 'server' && identity.kind !== 'pat')
    return `only personalAccessToken and stored are possible on hosts other than ${SERVICES_HOST}`;
  return undefined;
}

const NO_ORGANIZATION = 'invalid organization name: use up to 50 letters, digits and hyphens';
const NO_COLLECTION = 'invalid collection name';
