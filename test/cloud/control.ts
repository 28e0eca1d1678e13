import {createServer, type IncomingMessage, type Server} from 'node:http';
import {text} from 'node:stream/consumers';
import type {Cloud} from './cloud.ts';
import type {FederationPolicy} from './directory.ts';
import {splitOnce} from './http-exchange.ts';
import type {Organization} from './organizations.ts';
import type {Repository} from './repositories.ts';
import {addToWorld} from './world.ts';

/**
 * The cloud's interface for other processes: JSON over HTTP on loopback.
 *
 * | request | does |
 * |---|---|
 * | `GET /` | addresses and environment, as `main.ts` prints them |
 * | `POST /world` | adds what a `World` describes, answers with ids and secrets |
 * | `GET /requests?endpoint=token&…` | records; also `/proxy-requests`, `/ssh-requests`; `DELETE` forgets them |
 * | `POST /faults` | adds a `Fault`, answers `{id}`; `DELETE /faults`, `DELETE /faults/ID` |
 * | `POST /revoke` | `{secret}`: a token or a PAT |
 * | `POST /tokens` | `{application or managedIdentity or user, resource, life}`: a token |
 * | `POST /commit` | `{organization, repository, files…}`: a commit on `main` |
 * | `POST /settings` | `{life, refreshIn, managedIdentityLife, clockOffset, autoSignIn, deviceInterval}` |
 * | `POST /policies` | a `Policies`: what an organization, a repository or a tenant refuses from now on |
 * | `POST /ssh` | `{algorithms, newHostKey}` for SSH connections from now on |
 * | `POST /forget-tokens` | IMDS gives a new token next time |
 * | `POST /browse` | `{url, user, decline}`: signs in as a user would |
 * | `POST /device` | `{code, user}`: approves a device code |
 */
export function createControl(cloud: Cloud, describe: () => object): Server {
  const actions = actionsOf(cloud, describe);
  return createServer((request, response) => {
    handle(request)
      .then((answer) => {
        response.writeHead(200, {'content-type': 'application/json'}).end(`${JSON.stringify(answer)}\n`);
      })
      .catch((error: unknown) => {
        response
          .writeHead(400, {'content-type': 'application/json'})
          .end(`${JSON.stringify({error: String(error)})}\n`);
      });
  });

  async function handle(request: IncomingMessage): Promise<unknown> {
    const [path, search] = splitOnce(request.url ?? '/', '?');
    const match = Object.fromEntries(
      [...new URLSearchParams(search)].map(([name, value]) => [
        name,
        /^\d+$/.test(value) ? Number(value) : value,
      ]),
    );
    const body = await text(request);
    const json = body === '' ? {} : JSON.parse(body);
    const [, name = '', id] = path.split('/');
    const act = actions[`${request.method ?? ''} ${name}`];
    if (!act) throw new Error(`no such request: ${request.method ?? ''} ${path}`);
    return act({json, match, id});
  }
}

interface Asked {
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON of the test that asks
  readonly json: any;
  readonly match: Readonly<Record<string, string | number>>;
  readonly id: string | undefined;
}

/** What the cloud does for each method and first segment. */
function actionsOf(
  cloud: Cloud,
  describe: () => object,
): Readonly<Record<string, (asked: Asked) => unknown>> {
  const faults = new Map<string, {clear(): void}>();
  return {
    'GET ': describe,
    'POST world': ({json}) => addToWorld(cloud, json),
    'GET requests': ({match}) => cloud.requests.filter(match),
    'GET proxy-requests': ({match}) => cloud.proxyRequests.filter(match),
    'GET ssh-requests': ({match}) => cloud.sshRequests.filter(match),
    'DELETE requests': () => {
      cloud.requests.clear();
      cloud.proxyRequests.clear();
      cloud.sshRequests.clear();
      return {};
    },
    'POST faults': ({json}) => {
      const key = String(faults.size + 1);
      faults.set(key, cloud.fault(json));
      return {id: key};
    },
    'DELETE faults': ({id}) => {
      if (id === undefined) cloud.clearFaults();
      else faults.get(id)?.clear();
      return {};
    },
    'POST revoke': ({json}) => {
      cloud.revoke(json.secret);
      return {};
    },
    'POST tokens': ({json}) => createToken(cloud, json),
    'POST commit': ({json}) => commit(cloud, json),
    'POST settings': ({json}) => changeSettings(cloud, json),
    'POST policies': ({json}) => changePolicies(cloud, json),
    'POST ssh': async ({json}) => {
      await cloud.configureSsh(json);
      return {knownHosts: cloud.knownHosts()};
    },
    'POST forget-tokens': () => {
      cloud.machine.forgetTokens();
      return {};
    },
    'POST browse': ({json: {url, user, decline = false}}) =>
      cloud.browse(url, findUser(cloud, user), {decline}),
    'POST device': ({json: {code, user}}) => {
      cloud.entra.approveDevice(code, findUser(cloud, user));
      return {};
    },
  };
}

function findUser(cloud: Cloud, name: string): ReturnType<Cloud['directory']['user']> & object {
  const user = cloud.directory.user(name);
  if (!user) throw new Error(`no user ${name}`);
  return user;
}

function createToken(
  cloud: Cloud,
  {
    application,
    managedIdentity,
    user,
    ...options
  }: {application?: string; managedIdentity?: string; user?: string; resource?: string; life?: number},
): {token: string} {
  const who =
    user === undefined
      ? (cloud.directory.application(application ?? '') ??
        cloud.directory.managedIdentities.find(({clientId}) => clientId === managedIdentity))
      : findUser(cloud, user);
  if (!who) throw new Error('no principal has this id');
  return {token: cloud.createToken(who, options)};
}

async function commit(
  cloud: Cloud,
  {
    organization,
    repository,
    ...change
  }: {organization: string; repository: string; files?: Record<string, string>; message?: string},
): Promise<{commit: string}> {
  return {commit: await repositoryOf(organizationOf(cloud, organization), repository).commit(change)};
}

function organizationOf(cloud: Cloud, name: string): Organization {
  const organization = cloud.azureDevOps.organization(name);
  if (!organization) throw new Error(`no organization ${name}`);
  return organization;
}

function repositoryOf(organization: Organization, path: string): Repository {
  const [project = '', name = project] = path.split('/');
  const repository = organization.repository(project, name);
  if (!repository) throw new Error(`no repository ${organization.name}/${path}`);
  return repository;
}

/** What is left out stays as it is. */
interface Policies {
  organization?: string;
  /** `null` ends the policy. */
  endedTokens?: Organization['endedTokens'] | null;
  throttledUntil?: number;
  unauthenticated?: Organization['unauthenticated'];
  /** Of the organization: answers 401 to every caller, or does not. */
  closed?: Readonly<Record<string, boolean>>;
  /** By name or id. */
  tenant?: string;
  federation?: FederationPolicy;
}

function changePolicies(
  cloud: Cloud,
  {organization, endedTokens, closed = {}, tenant, federation, ...limits}: Policies,
): object {
  if (organization !== undefined) {
    const found = organizationOf(cloud, organization);
    Object.assign(found, limits);
    if (endedTokens !== undefined) found.endedTokens = endedTokens ?? undefined;
    for (const [path, isClosed] of Object.entries(closed)) repositoryOf(found, path).isClosed = isClosed;
  }
  if (tenant !== undefined) {
    const found = cloud.directory.tenants.find(({id, name}) => id === tenant || name === tenant);
    if (!found) throw new Error(`no tenant ${tenant}`);
    found.federation = federation ?? {};
  }
  return {};
}

function changeSettings(
  cloud: Cloud,
  {
    clockOffset,
    autoSignIn,
    deviceInterval,
    ...tokens
  }: {
    life?: number;
    refreshIn?: number;
    managedIdentityLife?: number;
    clockOffset?: number;
    autoSignIn?: string | null;
    deviceInterval?: number;
  },
): object {
  Object.assign(cloud.tokenSettings, tokens);
  if (clockOffset !== undefined) cloud.clockOffset = clockOffset;
  if (deviceInterval !== undefined) cloud.entra.deviceInterval = deviceInterval;
  if (autoSignIn !== undefined)
    cloud.entra.autoSignIn = autoSignIn === null ? undefined : findUser(cloud, autoSignIn);
  return {...cloud.tokenSettings, clockOffset: cloud.clockOffset};
}
