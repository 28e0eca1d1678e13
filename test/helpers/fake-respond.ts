import type {AnswerParts} from '../../src/answer/answer.ts';
import {respond, type Report} from '../../src/daemon/git/respond.ts';
import {Bindings, type Binding} from '../../src/identity/bindings.ts';
import type {SocketScope} from '../../src/organization/socket-scope.ts';
import type {Logins} from '../../src/login/logins.ts';
import type {Failure} from '../../src/token/acquire.ts';
import {Rejections} from '../../src/token/rejections.ts';
import {TokenCache} from '../../src/token/token-cache.ts';
import {FakeClock} from './fake-clock.ts';
import {FakeIssuer} from './fake-issuer.ts';

/** Everything from a request's bytes to an answer's, with a clock and an issuer that the test controls. */
export class World {
  readonly clock = new FakeClock();
  readonly issuer = new FakeIssuer(this.clock);
  readonly tokens: TokenCache;
  readonly rejections = new Rejections(this.clock);
  readonly reports: Report[] = [];
  readonly surprises: unknown[] = [];
  /** Why nothing may be handed out. */
  problem: Failure | undefined;
  readonly #bindings: Bindings;
  readonly #more: Partial<AnswerParts>;

  constructor(bindings: readonly Binding[], more: Partial<AnswerParts> = {}) {
    this.#bindings = new Bindings(bindings);
    this.#more = more;
    this.tokens = new TokenCache({acquire: this.issuer.acquire, clock: this.clock, random: () => 0});
  }

  /** Returns the answer's text, one character per byte. */
  async ask(request: string | Uint8Array, scope: SocketScope = everybody): Promise<string> {
    const bytes = typeof request === 'string' ? Buffer.from(request) : request;
    const answer = await respond(bytes, scope, {
      gateway: () => undefined,
      current: () => ({
        bindings: this.#bindings,
        tokens: this.tokens,
        rejections: this.rejections,
        verify: async () => 'rejected',
        logins: noLogins,
        onFailure: 'quit',
        reasonForNone: undefined,
        ...this.#more,
      }),
      grant: async () => ({kind: 'grant', socket: '/run/orgkey/ssh/grant'}),
      hello: () => ({kind: 'hello', version: '1.0.0', pid: 42, proof: 'proof'}),
      record: () => (this.problem === undefined ? undefined : Promise.resolve(this.problem)),
      report: (report) => this.reports.push(report),
      onUnexpected: (error) => this.surprises.push(error),
      now: this.clock.uptime,
    });
    return Buffer.from(answer).toString('latin1');
  }
}

export const everybody: SocketScope = {name: 'git', organizations: undefined};

export function scopedTo(...organizations: readonly string[]): SocketScope {
  return {name: 'team-a', organizations: new Set(organizations)};
}

const noLogins: Logins = {
  find: () => undefined,
  store: async () => 'nothing is stored',
  erase: async () => 'nothing is erased',
};

/** Returns a request as git's cache client sends it. */
export function request(action: string, ...lines: readonly string[]): string {
  return [`action=${action}`, 'timeout=900', ...lines].map((line) => `${line}\n`).join('');
}

/** Returns a `get` for a repository at Azure DevOps. */
export function getFor(organization: string, ...lines: readonly string[]): string {
  return request('get', 'protocol=https', 'host=dev.azure.com', `path=${organization}/p/_git/r`, ...lines);
}
