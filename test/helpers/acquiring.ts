import {createHash} from 'node:crypto';
import {AcquirerPool, type Observation} from '../../src/entra/child/acquirer-pool.ts';
import {createAcquire} from '../../src/entra/acquire.ts';
import type {ErrandParts} from '../../src/entra/errand-for.ts';
import type {RefreshTokens} from '../../src/entra/sign-in/refresh-tokens.ts';
import type {Identity, SecretSource} from '../../src/identity/identity.ts';
import {AZURE_DEVOPS_SCOPE, type Acquisition} from '../../src/token/acquire.ts';
import {Secret} from '../../src/secret/secret.ts';
import type {Cloud} from '../cloud/cloud.ts';

export const clock = {wall: () => Date.now(), uptime: () => performance.now()};

type Authority = ErrandParts['authority'];
/** What a pool is made of. */
export type PoolParts = ConstructorParameters<typeof AcquirerPool>[0];

export const microsoft: Authority = {
  authorityHost: 'https://login.microsoftonline.com',
  disableInstanceDiscovery: false,
};

/** An identity without its key. */
export type Keyless = Identity extends infer Each
  ? Each extends Identity
    ? Omit<Each, 'key'>
    : never
  : never;

/** Refresh tokens in memory, for tests to read. */
export class RememberedRefreshTokens implements RefreshTokens {
  readonly held = new Map<string, string>();

  async read(key: string): Promise<Secret | undefined> {
    const text = this.held.get(key);
    return text === undefined ? undefined : Secret.fromText(text);
  }

  async write(key: string, secret: Secret): Promise<void> {
    this.held.set(key, secret.revealText());
  }

  async remove(key: string): Promise<void> {
    this.held.delete(key);
  }
}

/** What differs from the daemon of a healthy machine. `environment` is added to the cloud's. */
export type AcquiringOptions = {
  environment?: Record<string, string>;
  authority?: Authority;
  readSecret?: ErrandParts['readSecret'];
} & Partial<Omit<PoolParts, 'environment'>>;

/** Joins everything between the cache and a cloud, as the daemon does. */
export function acquiringFrom(
  cloud: Cloud,
  {
    environment = {},
    authority = microsoft,
    readSecret = async (source) => Promise.reject(new Error(`no secret source reads ${source.from}`)),
    ...pooled
  }: AcquiringOptions = {},
) {
  const variables = {...cloud.environment(), ...environment};
  const observations: Observation[] = [];
  const pool = new AcquirerPool({
    environment: variables,
    clock,
    observe: (observation) => observations.push(observation),
    ...pooled,
  });
  const notKept: unknown[] = [];
  const refreshTokens = new RememberedRefreshTokens();
  const acquire = createAcquire({
    pool,
    clock,
    environment: variables,
    authority,
    readSecret,
    refreshTokens,
    onNotKept: (error) => notKept.push(error),
    fingerprint: (secret) => fingerprintOf(secret.revealText()),
  });
  return {
    readSecret,
    pool,
    refreshTokens,
    observations,
    notKept,
    variables,
    acquire: (identity: Keyless, scope = AZURE_DEVOPS_SCOPE): Promise<Acquisition> =>
      acquire({identity: {...identity, key: keyOf(identity)}, scope}),
  };
}

function keyOf(identity: Keyless): string {
  return fingerprintOf(JSON.stringify({...identity, clientSecret: undefined}));
}

export function held(text: string | Uint8Array): SecretSource {
  return {
    from: 'held',
    secret: typeof text === 'string' ? Secret.fromText(text) : new Secret(Uint8Array.from(text)),
  };
}

export function fingerprintOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Returns what a user reads about a failed acquisition, in three lines. */
export function told(acquisition: Acquisition): string {
  if (acquisition.kind === 'token') return `a token of ${String(acquisition.token.secret.length)} bytes`;
  const {code, message, hint} = acquisition.failure;
  return `${message} (${code})\n${hint ?? ''}`;
}
