import {createHash} from 'node:crypto';
import type {Identity} from '../../src/identity/identity.ts';
import {AZURE_DEVOPS_SCOPE, type Acquire, type Acquisition, type Wanted} from '../../src/token/acquire.ts';
import {Secret} from '../../src/secret/secret.ts';
import type {Token} from '../../src/token/token.ts';
import {HOUR, type FakeClock} from './fake-clock.ts';

export interface TokenShape {
  readonly kind?: Token['kind'];
  /** In milliseconds; `undefined` for a token that does not expire. */
  readonly life?: number | undefined;
  /** In milliseconds from its start. */
  readonly refreshIn?: number;
}

export function makeToken(text: string, clock: FakeClock, shape: TokenShape = {}): Token {
  const life = 'life' in shape ? shape.life : HOUR;
  return {
    kind: shape.kind ?? 'access-token',
    secret: Secret.fromText(text),
    fingerprint: fingerprintOf(text),
    acquiredAt: clock.wall(),
    acquiredUptime: clock.uptime(),
    expiresAt: life === undefined ? undefined : clock.wall() + life,
    refreshAt: shape.refreshIn === undefined ? undefined : clock.wall() + shape.refreshIn,
  };
}

export function fingerprintOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Issues `token-1 of NAME`, `token-2 of NAME` …, or what a test sets, and remembers who asked. */
export class FakeIssuer {
  readonly asked: string[] = [];
  /** All tokens that it issued, so that a test can look at them. */
  readonly given: Token[] = [];
  readonly #clock: FakeClock;
  readonly #waiting: (() => void)[] = [];
  #isHeldBack = false;
  #answer: ((wanted: Wanted, count: number) => Acquisition) | undefined;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  readonly acquire: Acquire = async (wanted) => {
    this.asked.push(wanted.identity.key);
    const count = this.asked.length;
    if (this.#isHeldBack) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const acquisition =
      this.#answer?.(wanted, count) ?? this.token(`token-${count} of ${wanted.identity.key}`);
    if (acquisition.kind === 'token') this.given.push(acquisition.token);
    return acquisition;
  };

  get count(): number {
    return this.asked.length;
  }

  token(text: string, shape?: TokenShape): Acquisition {
    return {kind: 'token', token: makeToken(text, this.#clock, shape)};
  }

  /** Sets the answer from now on; without one, it issues as usual. */
  answers(answer?: (wanted: Wanted, count: number) => Acquisition): void {
    this.#answer = answer;
  }

  fails(code = 'ERR_UNREACHABLE', retryAfter?: number): void {
    this.#answer = () => failure(code, retryAfter);
  }

  holdBack(): void {
    this.#isHeldBack = true;
  }

  async release(): Promise<void> {
    this.#isHeldBack = false;
    for (const go of this.#waiting.splice(0)) go();
    await settle();
  }
}

export function failure(code: string, retryAfter?: number): Acquisition {
  return {kind: 'failed', failure: {code, message: `failed with ${code}`, hint: undefined, retryAfter}};
}

/** Lets everything run that only waits for its turn. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** An identity whose key is its name. */
export function identityNamed(name: string, clientId = '9f000000-0000-0000-0000-000000000000'): Identity {
  return {kind: 'managed-identity', clientId, key: name};
}

export function patNamed(name: string): Identity {
  return {kind: 'pat', key: name, personalAccessToken: {from: 'held', secret: Secret.fromText('unused')}};
}

export function wantedBy(name: string): Wanted {
  return {identity: identityNamed(name), scope: AZURE_DEVOPS_SCOPE};
}
