import {connectionData, packageFeed, restApi} from './azure-devops-api.ts';
import {
  htmlReply,
  iisRoute,
  notFoundRoute,
  plain,
  signInRoute,
  throttled,
  unauthorized,
  type Site,
} from './azure-devops-replies.ts';
import {anonymous, hasScope, identify, notAuthorized, note} from './caller.ts';
import {serveGit} from './git-http.ts';
import type {GitProgram} from './git-program.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {serveLfs} from './lfs.ts';
import {isSame, type Organization} from './organizations.ts';
import {glob} from './records.ts';
import type {Repository} from './repositories.ts';
import type {TokenService} from './token-service.ts';

/** A server on premises. */
interface Server {
  /** The virtual directory. Empty: the top of the host. */
  readonly directories: readonly string[];
  /** Whether it offers NTLM and Kerberos before Basic. */
  readonly negotiate: boolean;
  /** Whether IIS itself wants Basic with the password of a Windows account. */
  readonly iisBasic: boolean;
}

/** Azure DevOps: organizations in the cloud, and servers with collections. */
export class AzureDevOps {
  readonly #organizations = new Map<string, Organization>();
  readonly #servers = new Map<string, Server & {readonly collections: Organization[]}>();
  readonly #now: () => number;
  readonly #tokens: TokenService;
  readonly #git: GitProgram;
  /** Handles what is below `/{org}/…/_apis/` and belongs to others (the pipelines' OIDC). */
  readonly #api: Router;

  constructor({
    tokens,
    git,
    api,
    now,
  }: {
    tokens: TokenService;
    git: GitProgram;
    api: Router;
    now: () => number;
  }) {
    this.#now = now;
    this.#tokens = tokens;
    this.#git = git;
    this.#api = api;
  }

  addOrganization(organization: Organization): void {
    this.#organizations.set(organization.name.toLowerCase(), organization);
  }

  addServer(host: string, server: Server): void {
    this.#servers.set(host.toLowerCase(), {...server, collections: []});
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
    const route = this.#route(request);
    const organization = this.organization(route.organization ?? '');
    return {
      ...route,
      handle: (exchange) => {
        const left = (organization?.throttledUntil ?? 0) - this.#now();
        if (left <= 0) return route.handle(exchange);
        exchange.request.resume();
        return throttled(left);
      },
    };
  };

  readonly #route: Router = (request): Route => {
    const {host, segments} = request;
    // Users are sent there to sign in; no program may follow with a token
    if (host.endsWith('.vssps.visualstudio.com')) return signInRoute;
    if (this.#servers.get(host)?.iisBasic === true) return iisRoute(host);
    const found = this.#find(host, segments);
    if (!found) return notFoundRoute();
    const {organization, rest} = found;
    const site: Site = {organization, host, server: this.#servers.get(host)};
    const about = {organization: organization.name};
    if (host.includes('pkgs.') || (site.server !== undefined && rest.includes('_packaging')))
      return {
        endpoint: 'feed',
        ...about,
        handle: (exchange) => packageFeed(site, rest, exchange, this.#tokens),
      };
    const marker = rest.indexOf('_git');
    if (marker === 0 || marker === 1) return this.#gitRoute(organization, rest, marker);
    if (rest.includes('oidctoken')) return {...this.#api(request), ...about};
    if (rest[0] === '_apis' && rest[1]?.toLowerCase() === 'connectiondata')
      return {
        endpoint: 'connection-data',
        ...about,
        handle: (exchange) => connectionData(site, exchange, this.#tokens),
      };
    return {
      endpoint: 'azure-devops',
      ...about,
      handle: (exchange) => restApi(site, rest, exchange, this.#tokens),
    };
  };

  /** Returns the repository of a URL, which may be relative to `base`. */
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
   * Returns the target of an SSH path: `v3/ORG/PROJECT/REPO`; `PROJECT/_git/REPO` if the user is the organization;
   * preceded by the collection at servers.
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
      const {directories} = server;
      // IIS compares virtual directories without case
      if (!directories.every((name, at) => isSame(name, segments[at] ?? ''))) return undefined;
      const organization = server.collections.find(({name}) =>
        isSame(name, segments[directories.length] ?? ''),
      );
      return organization && {organization, rest: segments.slice(directories.length + 1)};
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
    // git-lfs appends `.git` to the name; git itself never does
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
        if (rest.length === 0) return repositoryPage(exchange, entry.repository);
        return serveGit(exchange, {
          git: this.#git,
          repository: entry.repository,
          rest: `/${rest.join('/')}`,
          user: entry.name,
        });
      },
    };
  }

  /** Returns the repository, or the answer that keeps the caller out. */
  #enter(
    organization: Organization,
    project: string,
    name: string,
    {authorization, record, host}: Exchange,
    wish: 'read' | 'write',
  ): Reply | {repository: Repository; name: string} {
    const site: Site = {organization, host, server: this.#servers.get(host)};
    const repository = organization.repository(project, name);
    const caller = identify(organization, authorization, this.#tokens);
    note(record, caller);
    if (caller.kind === 'refused') return unauthorized(site, caller.message);
    if (caller.kind === 'anonymous')
      return repository?.isPublic && wish === 'read'
        ? {repository, name: 'anonymous'}
        : unauthorized(site, notAuthorized(anonymous));
    if (repository?.isClosed) return unauthorized(site, notAuthorized(caller.name));
    if (!organization.hasProject(project))
      return plain(
        404,
        `TF200016: The following project does not exist: ${project}. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server.`,
      );
    const membership = caller.kind === 'principal' ? (organization.membership(caller.principal) ?? {}) : {};
    const patterns = membership.repositories;
    const isVisible =
      patterns === undefined || patterns.some((pattern) => glob(pattern).test(`${project}/${name}`));
    // fact 48
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
}

/** A page, which tells Go where the repository is. Fact 97. */
function repositoryPage({query}: Exchange, {name, url}: Repository): Reply {
  const page = htmlReply(200, 'Repository', name);
  if (query.get('go-get') !== '1') return page;
  const meta = `<meta name="go-import" content="${url.replace('https://', '')} git ${url}">`;
  return {...page, body: `<!DOCTYPE html><html><head>${meta}</head><body></body></html>`};
}

function withoutDefaultCollection(segments: readonly string[]): readonly string[] {
  return isSame(segments[0] ?? '', 'DefaultCollection') ? segments.slice(1) : segments;
}
