import {readGitVersion, takesBearer, type GitVersion} from '../../git/version.ts';
import {describeHeader, ownHeaderFor} from '../../git/own-header.ts';
import {gitFrom, gitHere} from '../../git/run-git.ts';
import {readSeenSettings} from '../../git/seen-settings.ts';
import type {Configuration} from '../../config/configuration.ts';
import {nearestName} from '../../diagnostics/nearest-name.ts';
import {SCHEMA_VERSION, type Lock} from '../../control/control-protocol.ts';
import {Bindings} from '../../identity/bindings.ts';
import {describeIdentity, tenantOf, type Identity} from '../../identity/identity.ts';
import {directoryIn, hostnameOf, ownerOf, SERVICES_HOST, type Owner} from '../../organization/owner.ts';
import {lowerAscii, organizationFrom} from '../../organization/organization.ts';
import type {Remote} from '../../organization/remote.ts';
import {describeOwner, isInScope, MAIN_SOCKET, type SocketScope} from '../../organization/socket-scope.ts';
import {
  type AzureRepository,
  isServicesSshHost,
  parseSshRemote,
  repositoryAt,
  toHttpsRemote,
  type SshRemote,
} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import {showAddress} from '../../text/show-address.ts';
import {decideGrant} from '../../submodule/decide-grant.ts';
import {carriersFor, carriersOf, describeCarrying, type Carrying} from '../carriers.ts';
import type {Context, Places} from '../context.ts';
import {describeLock} from '../describe-status.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';
import {httpsUrlOf, parseGitUrl} from '../../organization/git-url.ts';
import {readConfiguration} from '../read-configuration.ts';
import {style} from '../terminal.ts';
import {usageError} from '../command-error.ts';

interface WhichOptions extends Places {
  readonly url: string;
  readonly json: boolean;
}

/** What is known about one remote; the names are those of `--json`. */
interface Explanation {
  /** `undefined`: the user named an organization. */
  readonly url: string | undefined;
  readonly host: string;
  readonly organization?: string | undefined;
  readonly rule?: {readonly place: string; readonly by: 'name' | 'fallback'} | undefined;
  readonly identity?: string;
  readonly kind?: string;
  readonly tenant?: string | undefined;
  /** For an HTTPS remote: what git gets, and the same for people. */
  readonly answer?: AnswerKind;
  readonly detail?: string;
  /** The sockets that serve it, below the runtime directory. */
  readonly sockets?: readonly string[] | undefined;
  /** The gateways that carry it, each with the refs that its clients may push to. */
  readonly gateways?: readonly Carrying[];
  /** For an SSH remote. */
  readonly asSubmodule?: 'grant' | 'deny' | 'pass';
  readonly submoduleDetail?: string;
  readonly atTheTop?: string;
  readonly overHttps?: string | undefined;
  readonly configuration: string;
  /** An Authorization header that git sends instead of asking: key, file and line. */
  readonly ownHeader?: string | undefined;
  /** The rejections in force for it. `undefined`: no daemon answers. */
  readonly locks?: readonly Lock[] | undefined;
}

type AnswerKind = 'bearer' | 'basic' | 'password' | 'stored-login' | 'failure' | 'nothing';

/** Runs `orgkey which`: explains without a request to anything. */
export async function which(options: WhichOptions, context: Context): Promise<ExitCode> {
  const configuration = await readConfiguration(options, context);
  const explained = await explain(options.url, configuration, context);
  const explanation = {
    ...explained,
    ownHeader: await ownHeaderOf(explained, context),
    locks: await locksFor(explained, options, context),
  };
  const {terminal} = context;
  if (options.json) terminal.printJson({schemaVersion: SCHEMA_VERSION, ...explanation});
  else terminal.print(describe(explanation).join('\n'));
  return EXIT.ok;
}

function describe(explanation: Explanation): string[] {
  const {rule, sockets, gateways = []} = explanation;
  const by = rule?.by === 'name' ? 'names it' : 'the fallback of its host';
  const lines: [string, string | undefined][] = [
    ['url', explanation.url],
    ['host', explanation.host],
    ['organization', explanation.organization],
    ['rule', rule && `${rule.place} (${by})`],
    ['identity', explanation.identity],
    ['tenant', explanation.tenant],
    ['answer', explanation.detail],
    [
      'own header',
      explanation.ownHeader && `git sends this instead of asking orgkey: ${explanation.ownHeader}`,
    ],
    ['sockets', sockets?.join(', ')],
    ['gateways', gateways.length === 0 ? undefined : gateways.map(describeCarrying).join('; ')],
    ['as submodule', explanation.submoduleDetail],
    ['at the top', explanation.atTheTop],
    ['over https', explanation.overHttps],
    ...(explanation.locks ?? []).map((lock): [string, string] => ['rejected', describeLock(lock)]),
    ['configured in', rule === undefined ? explanation.configuration : undefined],
  ];
  return lines.flatMap(([name, value]) =>
    value === undefined ? [] : [`${style('dim', name.padEnd(WIDEST))}  ${printable(value)}`],
  );
}

/** Returns the header of git's own, here and for this repository, or for any in this organization. */
async function ownHeaderOf(
  {url, host, organization}: Explanation,
  context: Context,
): Promise<string | undefined> {
  if (organization === undefined || url?.startsWith('https://') === false) return undefined;
  const {environment, directory} = context;
  const settings = await readSeenSettings(gitHere(environment, directory)).catch(() => []);
  const header = ownHeaderFor(url ?? `https://${host}/${organization}/project/_git/repository`, settings);
  return header === undefined ? undefined : describeHeader(header, directory);
}

/** Returns what a running daemon withholds from this remote, or from anything in this organization. */
async function locksFor(
  {organization, url}: Explanation,
  options: WhichOptions,
  context: Context,
): Promise<readonly Lock[] | undefined> {
  if (organization === undefined) return undefined;
  try {
    const {locks} = await withDaemon(options, context, (daemon) => daemon.call('status', undefined));
    const isNamed = url === undefined;
    const path = isNamed ? undefined : parseGitUrl(url)?.path?.toLowerCase().replace(/\/+$/, '');
    return locks.filter(
      (lock) =>
        lock.organization === organization &&
        (isNamed || lock.covers === 'organization' || lock.path === path),
    );
  } catch {
    return undefined;
  }
}

/** `text`: a URL over HTTPS or SSH, or the name of an organization. */
async function explain(text: string, configuration: Configuration, context: Context): Promise<Explanation> {
  const name = organizationFrom(text);
  if (name !== undefined) {
    const explanation = await explain(`https://dev.azure.com/${text}/_git/any`, configuration, context);
    return {...explanation, url: undefined, gateways: carriersFor(name, configuration)};
  }
  const ssh = parseSshRemote(text);
  if (ssh !== undefined) return explainSsh(text, ssh, configuration);
  const remote = parseGitUrl(text);
  if (remote === undefined)
    throw usageError(
      `neither a git URL nor an organization: ${printable(showAddress(text, 'remote').shown, 100)}`,
      'use a URL like https://dev.azure.com/contoso/project/_git/repository',
    );
  const git = await readGitVersion(gitFrom(context.environment));
  return explainHttps(text, remote, configuration, git);
}

function explainHttps(
  url: string,
  remote: Remote,
  configuration: Configuration,
  git: GitVersion,
): Explanation {
  const bindings = new Bindings(configuration.bindings);
  const owner = ownerOf(remote, bindings.serversAt);
  const choice = bindings.choose(owner);
  const about = {
    url: showAddress(url, 'remote').shown,
    host: remote.host,
    organization: organizationOf(owner),
    configuration: configuration.source,
  };
  if (choice.kind === 'none')
    return {
      ...about,
      answer: 'nothing',
      detail: `nothing, git asks its next helper: ${choice.reason}${adviseOnDirectory(remote, bindings)}${question(owner, configuration)}`,
    };
  const {by, binding} = choice;
  const {identity, place} = binding;
  return {
    ...about,
    rule: {place, by},
    identity: describeIdentity(identity),
    kind: identity.kind,
    tenant: tenantOf(identity) ?? (identity.kind === 'sign-in' ? tenantIn(identity.issuer) : undefined),
    ...answerFor(url, identity, git),
    sockets: socketsFor(owner, identity, configuration),
    gateways: identity.kind === 'stored' ? [] : carriersOf(httpsUrlOf(remote), configuration),
  };
}

function question(owner: Owner, {bindings}: Configuration): string {
  const near = owner.kind === 'organization' ? nearestName(owner.organization, bindings) : undefined;
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** A virtual directory that is not configured looks like a collection. */
function adviseOnDirectory({host, path = ''}: Remote, {serversAt}: Bindings): string {
  const name = lowerAscii(host).replace(/:443$/, '');
  const directory = directoryIn(path);
  return directory === '' || serversAt(name).length === 0
    ? ''
    : `; if ${directory} is a virtual directory, write host: ${name}/${directory}`;
}

function tenantIn(issuer: string): string {
  return issuer.endsWith('/organizations/v2.0') ? 'any tenant' : issuer;
}

/** In a submodule our wrapper asks the daemon; elsewhere git calls ssh directly. */
function explainSsh(url: string, remote: SshRemote, configuration: Configuration): Explanation {
  const {host, port, username, path} = remote;
  const {settings, source} = configuration;
  const destination = username === undefined ? host : `${username}@${host}`;
  const command = `git-upload-pack '${path.replaceAll(/['!]/g, (character) => `'\\${character}'`)}'`;
  const decideAt = (scope: SocketScope) =>
    decideGrant({operation: 'grant', destination, port, command, directory: '/'}, settings.submodules, scope);
  const decision = decideAt(WHOLE_MACHINE);
  const {organization, https} = overHttps(remote, configuration);
  const scopes = settings.sockets.map(({name, organizations}) => ({
    name,
    organizations: new Set(organizations),
  }));
  const granting = scopes.filter((scope) => decideAt(scope).kind === 'grant');
  return {
    url: showAddress(url, 'remote').shown,
    host,
    organization,
    rule: decision.kind === 'pass' ? undefined : {place: decision.rule.place, by: 'name'},
    asSubmodule: decision.kind,
    submoduleDetail: describeDecision(decision),
    sockets: decision.kind === 'grant' ? socketPaths(granting) : undefined,
    gateways: https === undefined ? [] : carriersOf(https, configuration),
    atTheTop: "orgkey's key is never used: git calls ssh with your own keys",
    overHttps: https === undefined ? undefined : `git clone ${https}`,
    configuration: source,
  };
}

const WHOLE_MACHINE: SocketScope = {name: MAIN_SOCKET, organizations: undefined};

/** Returns what is known of the same repository over HTTPS. */
function overHttps(
  remote: SshRemote,
  configuration: Configuration,
): {readonly organization?: string | undefined; readonly https?: string} {
  const server = httpsHostOf(remote.host, configuration);
  const repository = repositoryAt(remote);
  if (server === undefined || repository.kind === 'unknown') return {};
  const {organization} = repository;
  return repository.kind === 'malformed'
    ? {organization}
    : {organization, https: httpsRemoteOf(remote, repository, server)};
}

/** Returns the HTTPS host for an SSH host. `undefined`: nothing shows that it belongs to Azure DevOps. */
function httpsHostOf(sshHost: string, {bindings, settings}: Configuration): string | undefined {
  const host = lowerAscii(sshHost);
  if (isServicesSshHost(host)) return SERVICES_HOST;
  const servers = bindings.map((binding) => hostnameOf(binding.host));
  return (
    servers.find((server) => server.replace(/:\d+$/, '') === host) ??
    settings.submodules.find((rule) => rule.host === host)?.host
  );
}

/** A server has the same path over both, with its virtual directory and in its own letter case. */
function httpsRemoteOf({path}: SshRemote, repository: AzureRepository, server: string): string {
  if (server === SERVICES_HOST) return toHttpsRemote(repository);
  const segments = path.replace(/^\//, '').split('/');
  return `https://${server}/${segments.map((segment) => encodeURIComponent(decodeURIComponent(segment))).join('/')}`;
}

function describeDecision(decision: ReturnType<typeof decideGrant>): string {
  switch (decision.kind) {
    case 'grant':
      return `may be read with the key of ${decision.organization}`;
    case 'deny':
      return `denied: ${decision.reason}`;
    case 'pass':
      return `your own ssh, as without orgkey: ${decision.reason}`;
  }
}

function organizationOf(owner: Owner): string | undefined {
  return owner.kind === 'organization' || owner.kind === 'server' ? describeOwner(owner) : undefined;
}

function answerFor(url: string, identity: Identity, git: GitVersion): Pick<Explanation, 'answer' | 'detail'> {
  if (/^https?:\/\/[^/?#]*:[^/?#]*@/i.test(url))
    return {
      answer: 'nothing',
      detail: 'nothing: git sends the login in the URL, and does not ask orgkey',
    };
  if (identity.kind === 'unusable')
    return {
      answer: 'failure',
      detail: `a failure: ${identity.failure.message} (${identity.failure.code})`,
    };
  const [answer, form] = formOf(identity, git);
  return {answer, detail: `${form} (git ${git.text})`};
}

function formOf({kind}: Identity, git: GitVersion): [AnswerKind, string] {
  if (kind === 'stored') return ['stored-login', 'the stored user name and password'];
  if (takesBearer(git))
    return kind === 'pat' ? ['basic', 'Authorization: Basic'] : ['bearer', 'Authorization: Bearer'];
  const form = kind === 'pat' ? 'Basic, as password' : 'Basic, with the access token as password';
  return ['password', form];
}

function socketsFor(owner: Owner, {kind}: Identity, {settings}: Configuration): string[] {
  const scoped = kind === 'stored' ? [] : settings.sockets;
  const serving = scoped.filter(({name, organizations}) =>
    isInScope(owner, {name, organizations: new Set(organizations)}),
  );
  return socketPaths(serving);
}

function socketPaths(scoped: readonly {readonly name: string}[]): string[] {
  return ['git.sock', ...scoped.map(({name}) => `scoped/${name}/git.sock`)];
}

/** In columns. */
const WIDEST = 'configured in'.length;
