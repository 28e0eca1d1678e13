import {lowerAscii, lowerName} from '../organization/organization.ts';
import {
  SERVICES_SSH_HOSTS,
  isServicesSshHost,
  repositoryAt,
  toHttpsRemote,
  type AzureRepository,
} from '../organization/ssh-remote.ts';
import type {SocketScope} from '../organization/socket-scope.ts';
import type {GrantRequest} from '../protocol/request.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {parseRemoteCommand, type RemoteCommand} from './remote-command.ts';

interface SubmoduleRule {
  /** In lower case; collections on a server. */
  readonly organizations: readonly string[];
  /** The ssh name of the host, for every port, or `name:port`. `ssh.dev.azure.com` includes the old name. */
  readonly host: string;
  /** Patterns `project/repository`, `*` for any characters within a name. Empty: all repositories of the organizations. */
  readonly repositories: readonly string[];
}

export type GrantDecision<Rule extends SubmoduleRule> =
  /** This one command may be run on that host with the key of `rule`. */
  | ({
      readonly kind: 'grant';
      readonly rule: Rule;
      /** In lower case. */
      readonly host: string;
      readonly port: number;
      readonly username: string;
      /** Byte for byte as git sent it. */
      readonly command: string;
    } & AzureRepository)
  | {
      readonly kind: 'deny';
      readonly rule: Rule;
      /** Half a sentence, lower case, no full stop. */
      readonly reason: string;
      readonly hint: string | undefined;
    }
  /** The real ssh runs, as without orgkey. */
  | {readonly kind: 'pass'; readonly reason: string};

/**
 * Decides whether one connection may be made with a submodule key. Only what the key is for is granted: one read of one
 * repository. A request without a key for it is passed, one with a key is granted or denied.
 */
export function decideGrant<Rule extends SubmoduleRule>(
  request: GrantRequest,
  rules: readonly Rule[],
  scope: SocketScope,
): GrantDecision<Rule> {
  const destination = readDestination(request);
  if (destination === undefined) return pass('the destination is not valid');
  const {host, port, username} = destination;
  // the more specific name first, as in known_hosts
  const ofHost = [`${host}:${port}`, host].flatMap((name) => rules.filter((rule) => isFor(rule, name)));
  if (ofHost.length === 0) return pass('no key for the host');

  const command = parseRemoteCommand(request.command);
  if (command === undefined) return pass('the command names no repository');
  const found = repositoryAt({host, username, path: command.path});
  if (found.kind === 'unknown') return pass(found.reason);
  const {organization} = found;
  if (scope.organizations !== undefined && !scope.organizations.has(organization))
    return pass(`outside the scope of the socket ${scope.name}`);
  const ofOrganization = ofHost.filter(({organizations}) => organizations.includes(organization));
  const [first] = ofOrganization;
  if (first === undefined) return pass('no key for the organization');

  if (found.kind === 'malformed') return {kind: 'deny', rule: first, reason: found.reason, hint: undefined};
  const denial = denialOf(destination, command, found, request);
  if (denial !== undefined) return {kind: 'deny', rule: first, ...denial};
  const {project, repository} = found;
  const rule = ofOrganization.find(({repositories}) => isAllowed(found, repositories));
  if (rule === undefined)
    return {
      kind: 'deny',
      rule: first,
      reason: `the key of ${organization} is not for ${project}/${repository}`,
      hint: 'add it to the repositories of this key in the configuration',
    };
  if (request.option !== undefined) return pass(`the key is not used with the ssh option ${request.option}`);
  return {kind: 'grant', rule, ...connectionTo(destination, found, request)};
}

function connectionTo(
  {host, port, username = 'git'}: Destination,
  {organization, project, repository}: AzureRepository,
  {command}: GrantRequest,
) {
  return {host, port, username, command, organization, project, repository};
}

interface Destination {
  /** In lower case. */
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
}

function readDestination({destination, port = SSH_PORT}: GrantRequest): Destination | undefined {
  const [, username, host] = /^(?:([^@]+)@)?([^@:]+)$/.exec(destination) ?? [];
  return host === undefined ? undefined : {host: lowerAscii(host), port, username};
}

interface Denial {
  readonly reason: string;
  readonly hint: string | undefined;
}

/** Returns why a connection is never granted, whatever the rules say. */
function denialOf(
  {host, port, username}: Destination,
  command: RemoteCommand,
  found: AzureRepository,
  request: GrantRequest,
): Denial | undefined {
  if (command.program === 'git-receive-pack')
    return denied('the submodule key only reads, it does not push', howToPush(request, command, found, host));
  if (command.program !== READ) return denialOfProgram(command.program, found, host);
  // if git quoted the path otherwise, the host could read another path than we did
  if (!command.asGitWrites) return denied('the command is not quoted as git does it');
  if (username !== undefined && !/^[A-Za-z0-9._-]{1,64}$/.test(username))
    return denied('the user name is not valid');
  if (isServicesSshHost(host) && port !== SSH_PORT)
    return denied(`${host} accepts ssh only at port ${SSH_PORT}`);
  return undefined;
}

function denied(reason: string, hint?: string): Denial {
  return {reason, hint};
}

const READ = 'git-upload-pack';
const SSH_PORT = 22;

function isFor({host}: SubmoduleRule, wanted: string): boolean {
  return host === wanted || (host === SERVICES_SSH_HOSTS[0] && wanted === SERVICES_SSH_HOSTS[1]);
}

/** Returns why a program is denied, and what works instead. */
function denialOfProgram(program: string, found: AzureRepository, host: string): Denial {
  const https = toHttpsRemote(found, isServicesSshHost(host) ? undefined : host);
  switch (program) {
    case 'git-upload-archive':
      return denied('the submodule key fetches, it makes no archives', 'clone, then run git archive there');
    case 'git-lfs-authenticate':
    case 'git-lfs-transfer':
      return denied(
        'Azure DevOps serves no LFS objects over ssh',
        `fetch them over HTTPS: git config lfs.url ${https}/info/lfs`,
      );
    default:
      return denied(`the submodule key runs only ${READ}`);
  }
}

/** Names the way for one push, and the setting with which all pushes of the project go over HTTPS. */
function howToPush(
  {destination, port}: GrantRequest,
  {path}: RemoteCommand,
  found: AzureRepository,
  host: string,
): string {
  const https = toHttpsRemote(found, isServicesSshHost(host) ? undefined : host);
  const inProject = path.slice(0, path.replace(/\/$/, '').lastIndexOf('/') + 1);
  // git passes the path of the form ssh://… with its slash
  const prefix = inProject.startsWith('/')
    ? `ssh://${destination}${port === undefined ? '' : `:${port}`}${inProject}`
    : `${destination}:${inProject}`;
  const base = https.slice(0, https.lastIndexOf('/') + 1);
  const setting = `git config ${shellWord(`url.${base}.pushInsteadOf`)} ${shellWord(prefix)}`;
  return `push over HTTPS: git push ${https}; for every push: ${setting}`;
}

function isAllowed({project, repository}: AzureRepository, patterns: readonly string[]): boolean {
  return (
    patterns.length === 0 ||
    patterns.some((pattern) => {
      const slash = pattern.indexOf('/');
      return fits(pattern.slice(0, slash), project) && fits(pattern.slice(slash + 1), repository);
    })
  );
}

/** Compares names without case, as Azure DevOps does. Letters that only look alike differ. */
function fits(pattern: string, name: string): boolean {
  const [first = '', ...others] = lowerName(pattern).split('*');
  const text = lowerName(name);
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  let from = first.length;
  for (const part of others) {
    const at = text.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return from <= text.length - last.length;
}

function pass(reason: string): {readonly kind: 'pass'; readonly reason: string} {
  return {kind: 'pass', reason};
}
