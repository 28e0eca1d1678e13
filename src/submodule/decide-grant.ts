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
import {parseRemoteCommand} from './remote-command.ts';

/** What a configured key is for. */
export interface SubmoduleRule {
  /** In lower case; collections on a server. */
  readonly organizations: readonly string[];
  /** The ssh name of the host, for every port, or `name:port`; `ssh.dev.azure.com` stands for the old name too. */
  readonly host: string;
  /** Patterns `project/repository`, `*` for any run of characters within a name. None: all of the organizations'. */
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
      /** Byte for byte as git wants it. */
      readonly command: string;
    } & AzureRepository)
  | {
      readonly kind: 'deny';
      readonly rule: Rule;
      /** Half a sentence, lower case, no full stop. */
      readonly reason: string;
      readonly hint: string | undefined;
    }
  /** As if we were not there: the real ssh goes its own way. */
  | {readonly kind: 'pass'; readonly reason: string};

/**
 * Whether one connection may be made with a key of ours. Only what the key is for is granted: one read of one
 * repository. Whoever has no key with us is passed; only who has one can be denied.
 */
export function decideGrant<Rule extends SubmoduleRule>(
  request: GrantRequest,
  rules: readonly Rule[],
  scope: SocketScope,
): GrantDecision<Rule> {
  const destination = /^(?:([^@]+)@)?([^@:]+)$/.exec(request.destination);
  if (destination === null) return pass('the destination is none');
  const [, username, sentHost = ''] = destination;
  const host = lowerAscii(sentHost);
  const port = request.port ?? SSH_PORT;
  // the closer one first, as in known_hosts
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

  const deny = (reason: string, hint?: string): GrantDecision<Rule> => ({
    kind: 'deny',
    rule: first,
    reason,
    hint,
  });
  if (found.kind === 'malformed') return deny(found.reason);
  if (command.program !== READ) return deny(...whyNot(command.program, found, host));
  // a path in another spelling than git's would let ssh's far side read something else than we did
  if (!command.asGitWrites) return deny('the command is not quoted as git does it');
  if (username !== undefined && !/^[A-Za-z0-9._-]{1,64}$/.test(username))
    return deny('the user name is none');
  if (isServicesSshHost(host) && port !== SSH_PORT) return deny(`${host} takes ssh at port ${SSH_PORT} only`);
  const rule = ofOrganization.find(({repositories}) => isAllowed(found, repositories));
  if (rule === undefined)
    return deny(
      `the key of ${organization} is not for ${found.project}/${found.repository}`,
      'add it to the repositories of this key in the configuration',
    );
  return {
    kind: 'grant',
    rule,
    host,
    port,
    username: username ?? 'git',
    command: request.command,
    organization,
    project: found.project,
    repository: found.repository,
  };
}

const READ = 'git-upload-pack';
const SSH_PORT = 22;

function isFor({host}: SubmoduleRule, wanted: string): boolean {
  return host === wanted || (host === SERVICES_SSH_HOSTS[0] && wanted === SERVICES_SSH_HOSTS[1]);
}

/** What the user wanted, and what works instead. */
function whyNot(program: string, found: AzureRepository, host: string): [reason: string, hint?: string] {
  const https = toHttpsRemote(found, isServicesSshHost(host) ? undefined : host);
  switch (program) {
    case 'git-receive-pack':
      return ['the submodule key only reads, it does not push', `push over HTTPS: git push ${https}`];
    case 'git-upload-archive':
      return ['the submodule key fetches, it makes no archives', `clone, then archive what is there`];
    case 'git-lfs-authenticate':
    case 'git-lfs-transfer':
      return [
        'Azure DevOps serves no LFS objects over ssh',
        `fetch them over HTTPS: git config lfs.url ${https}/info/lfs`,
      ];
    default:
      return [`the submodule key runs nothing but ${READ}`];
  }
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

/** Names are compared without case, as Azure DevOps does, and look-alikes of letters are none. */
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
