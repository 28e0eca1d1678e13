import {serveGit} from './git-http.ts';
import type {GitProgram} from './git-program.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {Repository, type Locate, type RepositoryOptions} from './repositories.ts';

/** A git host that has nothing to do with Azure DevOps: one user name, one password, repositories at any path. */
export class OtherHost {
  readonly name: string;
  readonly username: string;
  readonly password: string;
  readonly #place: {directory: string; git: GitProgram; locate: Locate};
  readonly #repositories = new Map<string, Repository>();

  constructor(
    name: string,
    {username = 'user', password = 'a password'}: {username?: string; password?: string},
    place: {directory: string; git: GitProgram; locate: Locate},
  ) {
    this.name = name;
    this.username = username;
    this.password = password;
    this.#place = place;
  }

  /** @param name a path, such as `team/app.git`. */
  addRepository(name: string, options: RepositoryOptions = {}): Repository {
    const repository = new Repository({
      name,
      project: this.name,
      url: `https://${this.name}/${name}`,
      directory: `${this.#place.directory}/${this.name}-${name.replaceAll('/', '-')}.git`,
      git: this.#place.git,
      locate: this.#place.locate,
      options,
    });
    this.#repositories.set(name, repository);
    return repository;
  }

  repository(name: string): Repository | undefined {
    return this.#repositories.get(name);
  }

  readonly route: Router = ({segments}): Route => {
    const at = segments.findIndex(
      (segment, index) => index > 0 && (segment === 'info' || segment.startsWith('git-')),
    );
    const name = segments.slice(0, at < 0 ? undefined : at).join('/');
    const rest = at < 0 ? [] : segments.slice(at);
    return {
      endpoint: 'other-host',
      streams: true,
      repository: name,
      handle: (exchange) => this.#serve(name, rest, exchange),
    };
  };

  async #serve(name: string, rest: readonly string[], exchange: Exchange): Promise<Reply> {
    const {authorization, request, record} = exchange;
    const repository = this.#repositories.get(name);
    const isKnown =
      authorization?.scheme === 'basic' &&
      authorization.username === this.username &&
      authorization.secret === this.password;
    if (isKnown) record.principal = this.username;
    if (!isKnown && !repository?.isPublic) {
      request.resume();
      return {
        status: 401,
        headers: {'www-authenticate': `Basic realm="${this.name}"`},
        body: 'Unauthorized\n',
      };
    }
    if (!repository || rest.length === 0) {
      request.resume();
      return {status: 404, body: 'Not found\n'};
    }
    return serveGit(exchange, {
      git: this.#place.git,
      repository,
      rest: `/${rest.join('/')}`,
      user: this.username,
    });
  }
}
