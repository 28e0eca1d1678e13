import {randomUUID} from 'node:crypto';
import {artifactFeed} from './artifact-feed.ts';
import type {Principal} from './directory.ts';
import {serveGit} from './git-http.ts';
import type {GitProgram} from './git-program.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {serveLfs} from './lfs.ts';
import type {Organization, Pat} from './organizations.ts';
import {isSame} from './organizations.ts';
import type {Authorization} from './records.ts';
import {glob} from './records.ts';
import type {Repository} from './repositories.ts';
import {azureDevOps} from './resources.ts';
import type {TokenService} from './token-service.ts';

const anonymous = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa';

/** Who sent a request, as far as an organization is concerned. */
export type Caller =
  | {readonly kind: 'anonymous'}
  | {readonly kind: 'principal'; readonly principal: Principal; readonly name: string}
  | {readonly kind: 'pat'; readonly pat: Pat; readonly name: string}
  | {readonly kind: 'refused'; readonly reason: string; readonly message: string};

/** Azure DevOps: organizations in the cloud, and servers with collections. */
export class AzureDevOps {
  readonly #organizations = new Map<string, Organization>();
  readonly #servers = new Map<string, {readonly collections: Organization[]; readonly negotiate: boolean}>();
  readonly #tokens: TokenService;
  readonly #git: GitProgram;
  /** Handles what is below `/{org}/…/_apis/` and belongs to others (the pipelines' OIDC). */
  readonly #api: Router;

  constructor({tokens, git, api}: {tokens: TokenService; git: GitProgram; api: Router}) {
    this.#tokens = tokens;
    this.#git = git;
    this.#api = api;
  }

  addOrganization(organization: Organization): void {
    this.#organizations.set(organization.name.toLowerCase(), organization);
  }

  addServer(host: string, negotiate: boolean): void {
    this.#servers.set(host.toLowerCase(), {collections: [], negotiate});
  }

  addCollection(host: string, collection: Organization): void {
    this.#servers.get(host.toLowerCase())?.collections.push(collection);
  }

  organization(name: string): Organization | undefined {
    return this.#organizations.get(name.toLowerCase());
  }

  /** Host names of the servers on premises. */
  get servers(): readonly string[] {
    return [...this.#servers.keys()];
  }

  serves(host: string): boolean {
    return (
      this.#servers.has(host) ||
      host === 'dev.azure.com' ||
      host === 'pkgs.dev.azure.com' ||
      /^[a-z0-9-]+\.((pkgs|vssps)\.)?visualstudio\.com$/.test(host)
    );
  }

  readonly route: Router = (request): Route => {
    const {host, segments} = request;
    // where people are sent to sign in, and where no program should follow with a token
    if (host.endsWith('.vssps.visualstudio.com')) return signInRoute;
    const found = this.#find(host, segments);
    if (!found) return notFoundRoute();
    const {organization, rest} = found;
    const about = {organization: organization.name};
    if (host.includes('pkgs.'))
      return {endpoint: 'feed', ...about, handle: (exchange) => this.#feed(organization, rest, exchange)};
    const marker = rest.indexOf('_git');
    if (marker === 0 || marker === 1) return this.#gitRoute(organization, rest, marker);
    if (rest.includes('oidctoken')) return {...this.#api(request), ...about};
    if (rest[0] === '_apis' && rest[1]?.toLowerCase() === 'connectiondata')
      return {
        endpoint: 'connection-data',
        ...about,
        handle: (exchange) => this.#connectionData(organization, exchange),
      };
    return {
      endpoint: 'azure-devops',
      ...about,
      handle: (exchange) => this.#other(organization, rest, exchange),
    };
  };

  /** The repository that a URL leads to; relative ones start from `base`. */
  locate(url: string, base: string): Repository | undefined {
    const ssh =
      /^(?:ssh:\/\/)?(?:[^@/]+@)?(?:vs-)?ssh\.[^:/]+(?::\d+)?[:/]+v3\/([^/]+)\/([^/]+)\/([^/]+)/.exec(url);
    if (ssh) {
      const [, organization = '', project = '', name = ''] = ssh.map(decodeURIComponent);
      return this.organization(organization)?.repository(project, name);
    }
    const address = URL.parse(url, base.endsWith('/') ? base : `${base}/`);
    if (!address) return undefined;
    const found = this.#find(
      address.host,
      address.pathname.split('/').filter(Boolean).map(decodeURIComponent),
    );
    if (!found) return undefined;
    const [project = '', name = ''] = found.rest.filter((segment) => segment !== '_git');
    return found.organization.repository(project, name === '' ? project : name);
  }

  /**
   * What an SSH path means: `v3/ORG/PROJECT/REPO`; `PROJECT/_git/REPO` where the user is the organization; with the
   * collection before it at servers.
   */
  findOverSsh(
    host: string,
    user: string,
    segments: readonly string[],
  ): {organization: Organization; project: string; name: string} | undefined {
    if (!this.#servers.has(host) && segments[0] === 'v3') {
      const [, organizationName = '', project = '', name = '', ...more] = segments;
      const organization = this.organization(organizationName);
      return organization && more.length === 0 ? {organization, project, name} : undefined;
    }
    const found = this.#servers.has(host)
      ? this.#find(host, segments)
      : this.#find('dev.azure.com', [user, ...withoutDefaultCollection(segments)]);
    if (!found) return undefined;
    const marker = found.rest.findIndex((segment) => segment === '_git' || segment === '_ssh');
    const name = found.rest[marker + 1];
    if ((marker !== 0 && marker !== 1) || name === undefined || found.rest.length !== marker + 2)
      return undefined;
    return {organization: found.organization, project: marker === 1 ? (found.rest[0] ?? '') : name, name};
  }

  #find(
    host: string,
    segments: readonly string[],
  ): {organization: Organization; rest: readonly string[]} | undefined {
    const server = this.#servers.get(host);
    if (server) {
      const start = segments[0] === 'tfs' ? 1 : 0;
      const organization = server.collections.find(({name}) => isSame(name, segments[start] ?? ''));
      return organization && {organization, rest: segments.slice(start + 1)};
    }
    if (host === 'dev.azure.com' || host === 'pkgs.dev.azure.com') {
      const organization = this.organization(segments[0] ?? '');
      return organization && {organization, rest: segments.slice(1)};
    }
    const organization = this.organization(host.split('.')[0] ?? '');
    return organization && {organization, rest: withoutDefaultCollection(segments)};
  }

  #gitRoute(organization: Organization, segments: readonly string[], marker: number): Route {
    const name = segments[marker + 1] ?? '';
    const rest = segments.slice(marker + 2);
    const isLfs = rest[0] === 'info' && rest[1] === 'lfs';
    // git-lfs puts `.git` behind the name; git itself never does
    const repositoryName = isLfs ? name.replace(/\.git$/, '') : name;
    const project = marker === 1 ? (segments[0] ?? '') : repositoryName;
    const about = {organization: organization.name, repository: `${project}/${repositoryName}`};
    if (isLfs)
      return {
        endpoint: 'lfs',
        ...about,
        handle: async (exchange) => {
          const write = exchange.method === 'PUT' || exchange.body.includes('"upload"');
          const entry = this.#enter(
            organization,
            project,
            repositoryName,
            exchange,
            write ? 'write' : 'read',
          );
          if ('status' in entry) return entry;
          return serveLfs(exchange, {repository: entry.repository, rest: rest.slice(2)});
        },
      };
    const service = rest.find((part) => part.startsWith('git-'));
    return {
      endpoint: 'git',
      streams: true,
      ...about,
      ...(service === undefined ? {} : {service}),
      handle: async (exchange) => {
        const wanted = service ?? exchange.query.get('service') ?? '';
        const entry = this.#enter(
          organization,
          project,
          repositoryName,
          exchange,
          wanted === 'git-receive-pack' ? 'write' : 'read',
        );
        if ('status' in entry) {
          exchange.request.resume();
          return entry;
        }
        if (rest.length === 0) return htmlReply(200, 'Repository', entry.repository.name);
        return serveGit(exchange, {
          git: this.#git,
          repository: entry.repository,
          rest: `/${rest.join('/')}`,
          user: entry.name,
        });
      },
    };
  }

  /** Into a repository, or the answer that keeps the caller out. */
  #enter(
    organization: Organization,
    project: string,
    name: string,
    {authorization, record, host}: Exchange,
    wish: 'read' | 'write',
  ): Reply | {repository: Repository; name: string} {
    const repository = organization.repository(project, name);
    const caller = this.#caller(organization, authorization);
    note(record, caller);
    if (caller.kind === 'refused') return this.#unauthorized(organization, host, caller.message);
    if (caller.kind === 'anonymous')
      return repository?.isPublic && wish === 'read'
        ? {repository, name: 'anonymous'}
        : this.#unauthorized(organization, host, notAuthorized(anonymous));
    if (!organization.hasProject(project))
      return plain(
        404,
        `TF200016: The following project does not exist: ${project}. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server.`,
      );
    const membership = caller.kind === 'principal' ? (organization.membership(caller.principal) ?? {}) : {};
    const patterns = membership.repositories;
    const isVisible =
      patterns === undefined || patterns.some((pattern) => glob(pattern).test(`${project}/${name}`));
    if (!repository || !isVisible)
      return plain(
        404,
        `TF401019: The Git repository with name or identifier ${name} does not exist or you do not have permissions for the operation you are attempting.`,
      );
    if (
      caller.kind === 'pat' &&
      !hasScope(caller.pat, wish === 'write' ? /^vso\.code_(write|manage|full)$/ : /^vso\.code/)
    )
      return plain(
        403,
        `TF400813: The user '${caller.name}' is not authorized to access this resource. The personal access token lacks the scope ${wish === 'write' ? 'vso.code_write' : 'vso.code'}.`,
      );
    if (wish === 'write' && membership.contribute === false)
      return plain(
        403,
        `TF401027: You need the Git 'GenericContribute' permission to perform this action. Details: identity '${caller.name}', scope 'repository'.`,
      );
    return {repository, name: caller.name};
  }

  #caller(organization: Organization, authorization: Authorization | undefined): Caller {
    if (!authorization || authorization.secret === '') return {kind: 'anonymous'};
    const {scheme, secret} = authorization;
    if (scheme !== 'basic' && scheme !== 'bearer')
      return {kind: 'refused', reason: 'scheme', message: notAuthorized(anonymous)};
    const pat = scheme === 'basic' ? organization.pat(secret) : undefined;
    if (pat) {
      if (this.#tokens.isRevoked(secret))
        return {kind: 'refused', reason: 'revoked', message: notAuthorized(anonymous)};
      if (pat.expired)
        return {
          kind: 'refused',
          reason: 'expired',
          message: 'Access Denied: The Personal Access Token used has expired.',
        };
      return {kind: 'pat', pat, name: pat.user};
    }
    const isServer = !organization.url.startsWith('https://dev.azure.com/');
    if (isServer) return {kind: 'refused', reason: 'unknown', message: notAuthorized(anonymous)};
    const verdict = this.#tokens.verify(secret, azureDevOps);
    if (verdict.kind === 'refused')
      return {kind: 'refused', reason: verdict.reason, message: notAuthorized(anonymous)};
    const {principal} = verdict;
    if (organization.membership(principal)) return {kind: 'principal', principal, name: principal.name};
    if (principal.tenant !== organization.tenant)
      return {kind: 'refused', reason: 'other tenant', message: notAuthorized(principal.objectId)};
    const {id} = principal.tenant;
    return {
      kind: 'refused',
      reason: 'not a member',
      message: `TF401444: Please sign-in at least once as ${id}\\${id}\\${principal.userPrincipalName ?? principal.objectId} in a web browser to enable access to the service.`,
    };
  }

  #unauthorized(organization: Organization, host: string, message: string): Reply {
    const {unauthenticated} = organization;
    if (unauthenticated === 203 || unauthenticated === 302)
      return this.#signInPage(organization, host, unauthenticated);
    return {
      ...htmlReply(401, 'Access Denied', message),
      headers: {
        ...htmlHeaders,
        ...this.#challenge(organization, host),
        'x-tfs-serviceerror': encodeURIComponent(message),
      },
    };
  }

  #challenge(organization: Organization, host: string): Record<string, string | readonly string[]> {
    const server = this.#servers.get(host);
    const activity = randomUUID();
    const common = {
      'x-tfs-processid': randomUUID(),
      activityid: activity,
      'x-tfs-session': activity,
      'x-vss-e2eid': activity,
      'x-content-type-options': 'nosniff',
      p3p: 'CP="CAO DSP COR ADMa DEV CONo TELo CUR PSA PSD TAI IVDo OUR SAMi BUS DEM NAV STA UNI COM INT PHY ONL FIN PUR LOC CNT"',
    };
    if (server)
      return {
        ...common,
        'www-authenticate': [
          ...(server.negotiate ? ['Negotiate', 'NTLM'] : []),
          `Basic realm="https://${host}/"`,
        ],
      };
    const signIn = 'https://spsprodweu1.vssps.visualstudio.com/_signin';
    return {
      ...common,
      'www-authenticate': [
        `Bearer authorization_uri=https://login.microsoftonline.com/${organization.tenantId}`,
        'Basic realm="https://tfsprodweu.app.visualstudio.com/"',
        'TFS-Federated',
      ],
      'x-vss-resourcetenant': organization.tenantId,
      'x-vss-authorizationendpoint': `https://vssps.dev.azure.com/${organization.name}/`,
      'x-tfs-fedauthrealm': 'https://tfsprodweu.app.visualstudio.com/',
      'x-tfs-fedauthissuer': `${signIn}?realm=${host}&reply_to=${encodeURIComponent(`https://${host}/`)}`,
    };
  }

  /** REST and pages: who is not signed in is sent to the sign-in page, unless he asked to be told plainly. */
  #signInFirst(
    organization: Organization,
    {host, record, request}: Exchange,
    caller: Caller & {kind: 'anonymous' | 'refused'},
  ): Reply {
    const suppress = request.headers['x-tfs-fedauthredirect']?.toString().toLowerCase() === 'suppress';
    const message = caller.kind === 'refused' ? caller.message : notAuthorized(anonymous);
    const isServer = this.#servers.has(host);
    const isStranger = message.startsWith('TF401444');
    const real = suppress || isServer || isStranger ? 401 : caller.kind === 'refused' ? 203 : 302;
    const status = organization.unauthenticated === 'real' ? real : organization.unauthenticated;
    record.refusal = caller.kind === 'refused' ? caller.reason : 'anonymous';
    return status === 401
      ? {
          status: 401,
          headers: this.#challenge(organization, host),
          body: problem(message, 'UnauthorizedRequestException'),
        }
      : this.#signInPage(organization, host, status);
  }

  #signInPage(organization: Organization, host: string, status: 203 | 302): Reply {
    const replyTo = encodeURIComponent(`https://${host}/${organization.name}`);
    const location = `https://spsprodweu1.vssps.visualstudio.com/_signin?realm=${host}&reply_to=${replyTo}`;
    return {
      ...htmlReply(status, 'Azure DevOps Services | Sign In', 'Sign in'),
      headers: {
        ...htmlHeaders,
        ...this.#challenge(organization, host),
        ...(status === 302 ? {location} : {}),
      },
    };
  }

  #connectionData(organization: Organization, exchange: Exchange): Reply {
    const caller = this.#caller(organization, exchange.authorization);
    note(exchange.record, caller);
    if (caller.kind === 'anonymous' || caller.kind === 'refused')
      return this.#signInFirst(organization, exchange, caller);
    const user = describeUser(organization, caller);
    return {
      status: 200,
      headers: {'x-vss-resourcetenant': organization.tenantId},
      body: {
        authenticatedUser: user,
        authorizedUser: user,
        instanceId: organization.id,
        deploymentId: randomUUID(),
        deploymentType: this.#servers.has(exchange.host) ? 'onPremises' : 'hosted',
        locationServiceData: {
          serviceOwner: '00025394-6065-48ca-87d9-7f5672854ef7',
          defaultAccessMappingMoniker: 'PublicAccessMapping',
          lastChangeId: 1,
        },
      },
    };
  }

  #other(organization: Organization, rest: readonly string[], exchange: Exchange): Reply {
    const caller = this.#caller(organization, exchange.authorization);
    note(exchange.record, caller);
    if (caller.kind === 'anonymous' || caller.kind === 'refused')
      return this.#signInFirst(organization, exchange, caller);
    const path = rest.join('/').toLowerCase();
    const projects = [...new Set(organization.repositories.map(({project}) => project))];
    if (path === '_apis/projects')
      return {
        status: 200,
        body: {
          count: projects.length,
          value: projects.map((name) => ({name, state: 'wellFormed', visibility: 'private'})),
        },
      };
    if (path.endsWith('_apis/git/repositories')) {
      const shown = organization.repositories.filter(
        ({project}) => rest[0] === '_apis' || isSame(project, rest[0] ?? ''),
      );
      return {
        status: 200,
        body: {
          count: shown.length,
          value: shown.map(({name, project, url}) => ({name, project: {name: project}, remoteUrl: url})),
        },
      };
    }
    if (rest[0] === '_apis')
      return {
        status: 404,
        body: problem(
          `VS800075: The project with id '${path}' does not exist, or you do not have permission to access it.`,
          'ProjectDoesNotExistException',
        ),
      };
    return htmlReply(200, organization.name, organization.name);
  }

  #feed(organization: Organization, rest: readonly string[], exchange: Exchange): Reply {
    const caller = this.#caller(organization, exchange.authorization);
    note(exchange.record, caller);
    const allowed =
      caller.kind === 'principal' || (caller.kind === 'pat' && hasScope(caller.pat, /^vso\.packaging/));
    if (!allowed) {
      const message = caller.kind === 'refused' ? caller.message : notAuthorized(anonymous);
      return {
        status: 401,
        headers: this.#challenge(organization, exchange.host),
        body: problem(message, 'UnauthorizedRequestException'),
      };
    }
    return artifactFeed(organization, rest, exchange.host);
  }
}

function note(record: Exchange['record'], caller: Caller): void {
  switch (caller.kind) {
    case 'principal':
    case 'pat':
      record.principal = caller.name;
      return;
    case 'refused':
      record.refusal = caller.reason;
      return;
    case 'anonymous':
      return;
    default:
      return caller;
  }
}

function withoutDefaultCollection(segments: readonly string[]): readonly string[] {
  return isSame(segments[0] ?? '', 'DefaultCollection') ? segments.slice(1) : segments;
}

function hasScope(pat: Pat, wanted: RegExp): boolean {
  return pat.scopes.some((scope) => scope === 'app_token' || wanted.test(scope));
}

function notAuthorized(who: string): string {
  return `TF400813: The user '${who}' is not authorized to access this resource.`;
}

function problem(message: string, type: string): object {
  return {
    $id: '1',
    innerException: null,
    message,
    typeName: `Microsoft.TeamFoundation.Framework.Server.${type}, Microsoft.TeamFoundation.Framework.Server`,
    typeKey: type,
    errorCode: 0,
    eventId: 3000,
  };
}

function describeUser(organization: Organization, caller: Caller & {kind: 'principal' | 'pat'}): object {
  if (caller.kind === 'pat')
    return {
      id: organization.id,
      descriptor: `Microsoft.IdentityModel.Claims.ClaimsIdentity;${organization.tenantId}\\${caller.name}`,
      subjectDescriptor: `aad.${Buffer.from(caller.name).toString('base64url')}`,
      providerDisplayName: caller.name,
      isActive: true,
      properties: {Account: {$type: 'System.String', $value: caller.name}},
      resourceVersion: 2,
      metaTypeId: 0,
    };
  const {principal} = caller;
  const isUser = principal.kind === 'user';
  const type = isUser
    ? 'Microsoft.IdentityModel.Claims.ClaimsIdentity'
    : 'Microsoft.VisualStudio.Services.Claims.AadServicePrincipal';
  return {
    id: principal.objectId,
    descriptor: `${type};${principal.tenant.id}\\${principal.userPrincipalName ?? principal.objectId}`,
    subjectDescriptor: `${isUser ? 'aad' : 'aadsp'}.${Buffer.from(principal.objectId).toString('base64url')}`,
    providerDisplayName: principal.name,
    isActive: true,
    properties: {
      Account: {$type: 'System.String', $value: principal.userPrincipalName ?? principal.clientId ?? ''},
    },
    resourceVersion: 2,
    metaTypeId: isUser ? 0 : 2,
  };
}

const htmlHeaders = {'content-type': 'text/html; charset=utf-8'} as const;

function htmlReply(status: number, title: string, message: string): Reply {
  return {
    status,
    headers: htmlHeaders,
    body: `<!DOCTYPE html>\n<html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1><p>${message}</p></body></html>\n`,
  };
}

/** git shows these to the user, each line after `remote:`. */
function plain(status: number, message: string): Reply {
  return {status, headers: {'content-type': 'text/plain; charset=utf-8'}, body: `${message}\n`};
}

const signInRoute: Route = {endpoint: 'azure-devops', handle: () => htmlReply(200, 'Sign in', 'Sign in')};

function notFoundRoute(): Route {
  return {
    endpoint: 'azure-devops',
    handle: ({request}) => {
      request.resume();
      return htmlReply(404, 'The resource cannot be found.', 'HTTP 404');
    },
  };
}
