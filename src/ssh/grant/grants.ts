import type {SshTarget} from '../relay/ssh-target.ts';
import type {SubmoduleSettings} from '../../config/configuration.ts';
import {shareOf, type SocketScope} from '../../organization/socket-scope.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {printable} from '../../text/printable.ts';
import type {Answer} from '../../protocol/answer.ts';
import type {GrantRequest} from '../../protocol/request.ts';
import {decideGrant, type GrantDecision} from '../../submodule/decide-grant.ts';
import {chooseRoute} from './choose-route.ts';
import {HandshakeQueue} from './handshake-queue.ts';
import {SubmoduleSearch} from './find-submodules.ts';
import {howToPin, knownHostsFor} from '../host/host-keys.ts';
import {HeldKeys, type ReadSecret} from '../key/held-keys.ts';
import {keyPageOf} from '../key/private-key.ts';
import type {Advice, Relayed} from '../relay/relay.ts';
import type {ServedGrant} from './serve-grant.ts';
import type {SigningKey} from '../key/signing-key.ts';
import type {SocketPlace, StartTimer} from './single-use-socket.ts';
import {SshFailure} from '../ssh-failure.ts';
import type {Environment} from '../../text/environment.ts';

interface GrantParts {
  /** Returns the settings in force. A reload takes effect with the next request. */
  readonly settings: () => {
    readonly submodules: readonly SubmoduleSettings[];
    readonly ssh: {readonly proxyCommand: string | undefined};
  };
  /** Returns the place for the sockets of grants that are requested on a socket of this scope. */
  readonly placeOf: (scope: SocketScope) => SocketPlace;
  readonly readSecret: ReadSecret;
  /** Returns the known_hosts lines of `ssh-key trust`, for self-hosted servers. */
  readonly readTrustedHosts: () => Promise<string>;
  /** The daemon's: proxies, PATH, and what a proxy command needs. */
  readonly environment: Environment;
  readonly startTimer: StartTimer;
  /** Writes the log and the audit. Called for every answer, and when a grant is used up. */
  readonly report: (event: GrantEvent) => void;
}

export type GrantEvent =
  | {readonly kind: 'passed' | 'denied'; readonly request: GrantRequest; readonly reason: string}
  /** A key was read: for the first time since the start, or another one than before. */
  | ({readonly kind: 'key'; readonly isReplaced: boolean} & GrantStory)
  | ({readonly kind: 'granted'} & GrantStory)
  /** `relayed`: `undefined` if no client used the grant. */
  | ({readonly kind: 'ended'; readonly relayed: Relayed | undefined} & GrantStory);

interface GrantStory {
  /** Of the request. */
  readonly id?: string | undefined;
  readonly host: string;
  readonly organization: string;
  readonly project: string;
  readonly repository: string;
  /** The key's, `SHA256:…`. */
  readonly fingerprint: string;
  readonly scope: SocketScope;
}

/** In milliseconds; how long an ending daemon waits for an unused grant, or for a git that has received everything. */
const UNUSED_LIMIT = 1000;

/** In one share. Each grant is a connection to the host. Git has far fewer jobs. */
const MOST_OPEN = 128;

type Grant = Extract<GrantDecision<SubmoduleSettings>, {kind: 'grant'}>;

/** Answers `orgkey-ssh`, and serves the connections that it grants. */
export class Grants {
  readonly #parts: GrantParts;
  readonly #served = new Set<ServedGrant>();
  /** How many grants are open or being opened, by the name of the socket. */
  readonly #open = new Map<string, number>();
  /** The last known fingerprint of each key, by host and organization. */
  readonly #fingerprints = new Map<string, string>();
  readonly #keys: HeldKeys;
  readonly #submodules: SubmoduleSearch;
  readonly #handshakes: HandshakeQueue;
  #draining = false;

  constructor(parts: GrantParts) {
    this.#parts = parts;
    this.#keys = new HeldKeys(parts.readSecret);
    this.#submodules = new SubmoduleSearch(parts.startTimer);
    this.#handshakes = new HandshakeQueue(parts.startTimer);
  }

  /** The connections that relay something now; without those whose git has received everything but stays connected. */
  get active(): number {
    return [...this.#served].filter(({busy}) => busy).length;
  }

  /** Reads the keys again: the configuration may be another one. */
  followConfiguration(): void {
    this.#keys.forgetAll();
  }

  /** Loads the code that serves grants, if keys are configured. Later, an update could have removed it. */
  async prepare(): Promise<void> {
    if (this.#parts.settings().submodules.length > 0) await import('./serve-grant.ts');
  }

  /** Answers a request of `orgkey-ssh`. Does not reject. */
  async answer(request: GrantRequest, scope: SocketScope, id?: string): Promise<Answer> {
    const decision = decideGrant(request, this.#parts.settings().submodules, scope);
    if (decision.kind === 'pass') return this.#passed(request, decision.reason);
    if (decision.kind === 'deny') return this.#denied(request, decision.reason, decision.hint);
    if (this.#draining) return this.#aboutToEnd(request);
    // paths of a container mean nothing here
    const isHere = scope.organizations === undefined;
    if (isHere && (await this.#submodules.find(request.directory)) === 'none')
      return this.#passed(request, 'the repository has no submodules');
    if ((this.#open.get(shareOf(scope)) ?? 0) >= MOST_OPEN)
      return this.#denied(
        request,
        `${MOST_OPEN} transfers are open already on the socket ${scope.name}`,
        'try again, with fewer at once: git -c submodule.fetchJobs=8 …',
      );
    this.#count(scope, 1);
    let answer: Answer | undefined;
    try {
      answer = await this.#serve(request, decision, {scope, id});
      return answer;
    } catch (error) {
      const why = printable(messageOf(error), 200);
      return this.#denied(request, `the submodule key cannot be used: ${why}`, 'run: orgkey doctor');
    } finally {
      if (answer?.kind !== 'grant') this.#count(scope, -1);
    }
  }

  /** Grants nothing more, waits `limit` milliseconds for transfers to finish, and ends the rest. */
  async drain(limit: number): Promise<void> {
    this.#draining = true;
    const cancel = (which: (served: ServedGrant) => boolean) => {
      for (const served of this.#served) if (which(served)) served.cancel();
    };
    const stops = [
      this.#parts.startTimer(Math.min(UNUSED_LIMIT, limit), () => cancel(({busy}) => !busy)),
      this.#parts.startTimer(limit, () => cancel(() => true)),
    ];
    await Promise.all([...this.#served].map(({done}) => done));
    for (const stop of stops) stop();
  }

  #count(scope: SocketScope, more: 1 | -1): void {
    const name = shareOf(scope);
    this.#open.set(name, (this.#open.get(name) ?? 0) + more);
  }

  async #serve(
    request: GrantRequest,
    grant: Grant,
    asked: Pick<GrantStory, 'scope' | 'id'>,
  ): Promise<Answer> {
    const {rule, host, port, organization} = grant;
    const known = knownHostsFor(host, rule.knownHosts, await this.#parts.readTrustedHosts());
    const hostKeys = known.keysOf(host, port);
    if (hostKeys.length === 0)
      return this.#denied(
        request,
        `no host key is pinned for ${host}`,
        `pin the key that its administrator confirms: ${howToPin(host, port, rule.knownHosts)}`,
      );
    const choice = chooseRoute(grant, this.#parts.settings().ssh.proxyCommand, this.#parts.environment);
    if (choice.kind === 'unusable') return this.#denied(request, choice.reason, choice.hint);
    const reading = await this.#keys.get(rule, organization);
    if (reading.kind === 'failed')
      return this.#denied(request, `the submodule key of ${organization}: ${reading.reason}`, reading.hint);

    // loads ssh2, which takes 30 ms and some megabytes: only for users with submodules
    const {serveGrant} = await import('./serve-grant.ts');
    const {key} = reading;
    const story = storyOf(grant, key, asked);
    this.#noteKey(story);
    const served = await serveGrant({
      target: targetOf(grant, hostKeys, key),
      command: grant.command,
      route: choice.route,
      place: this.#parts.placeOf(asked.scope),
      advice: adviceOnRejection(grant, key),
      environment: this.#parts.environment,
      startTimer: this.#parts.startTimer,
      handshakes: this.#handshakes,
    });
    // `drain` does not wait for grants that are opened after it began
    if (this.#draining) {
      served.cancel();
      return this.#aboutToEnd(request);
    }
    void this.#watch(served, grant, story).then(() => this.#count(asked.scope, -1));
    return {kind: 'grant', socket: served.path};
  }

  #noteKey(story: GrantStory): void {
    const {host, organization, fingerprint} = story;
    const name = `${host} ${organization}`;
    const before = this.#fingerprints.get(name);
    this.#fingerprints.set(name, fingerprint);
    if (before !== fingerprint) this.#parts.report({kind: 'key', isReplaced: before !== undefined, ...story});
  }

  async #watch(served: ServedGrant, {rule}: Grant, story: GrantStory): Promise<void> {
    this.#served.add(served);
    this.#parts.report({kind: 'granted', ...story});
    const relayed = await served.done;
    this.#served.delete(served);
    if (relayed?.failure?.code === 'ERR_KEY_REFUSED') this.#keys.forget(rule);
    this.#parts.report({kind: 'ended', relayed, ...story});
  }

  #passed(request: GrantRequest, reason: string): Answer {
    this.#parts.report({kind: 'passed', request, reason});
    return {kind: 'pass', reason};
  }

  #aboutToEnd(request: GrantRequest): Answer {
    return {...this.#denied(request, 'the daemon is about to end', 'try again'), again: true};
  }

  #denied(request: GrantRequest, reason: string, hint: string | undefined): Extract<Answer, {kind: 'deny'}> {
    this.#parts.report({kind: 'denied', request, reason});
    return {kind: 'deny', reason, hint};
  }
}

function targetOf(grant: Grant, hostKeys: SshTarget['hostKeys'], key: SigningKey): SshTarget {
  const {host, port, username, organization: owner, rule} = grant;
  const pinning = howToPin(host, port, rule.knownHosts);
  return {host, port, username, hostKeys, key, owner, advice: adviceFor(grant), howToPin: pinning};
}

function storyOf(
  grant: Grant,
  {fingerprint}: SigningKey,
  asked: Pick<GrantStory, 'scope' | 'id'>,
): GrantStory {
  const {host, organization, project, repository} = grant;
  return {...asked, host, organization, project, repository, fingerprint};
}

function adviceFor({host, organization}: Grant): string {
  const where = keyPageOf(organization, host);
  return `paste the public half (orgkey ssh-key show-public ${organization}) at ${where}; keys expire after a year`;
}

/** Azure DevOps accepts any key at first, and rejects it only when the command should run. Fact 66. */
function adviceOnRejection(grant: Grant, {fingerprint}: SigningKey): Advice {
  return {
    pattern: /Public key authentication failed/i,
    failure: new SshFailure(
      'ERR_KEY_REFUSED',
      `Azure DevOps does not know the submodule key of ${grant.organization} (${fingerprint}), or it has expired`,
      {hints: [adviceFor(grant)]},
    ),
  };
}
