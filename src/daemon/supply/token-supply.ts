import {createHmac} from 'node:crypto';
import {join} from 'node:path';
import {compileCacheOf} from '../../compile-cache.ts';
import {readSecret} from '../../config/value/read-secret.ts';
import {createAcquire} from '../../entra/acquire.ts';
import type {ProgramOnDisk} from '../../entra/child/acquirer-program.ts';
import {AcquirerPool, type Observation} from '../../entra/child/acquirer-pool.ts';
import {refreshTokenName} from '../../entra/sign-in/refresh-tokens.ts';
import type {SecretSource} from '../../identity/identity.ts';
import {openStore} from '../../store/open-store.ts';
import type {Secret} from '../../secret/secret.ts';
import {StoredLogins} from '../../login/stored-logins.ts';
import {TokenCache} from '../../token/token-cache.ts';
import type {Clock} from '../../token/token.ts';
import type {ConfigurationInForce} from './configuration-in-force.ts';
import {LazyStore} from './lazy-store.ts';
import type {Log} from '../record/log.ts';
import type {PeopleParts} from '../../control/people.ts';
import {waitForDisk} from './wait-for-disk.ts';

export interface TokenSupplyParts {
  readonly environment: NodeJS.ProcessEnv;
  /** The state directory. */
  readonly state: string;
  readonly uid: number;
  readonly clock: Clock;
  /** Random bytes of this process. */
  readonly key: Uint8Array;
  readonly inForce: ConfigurationInForce;
  readonly log: Log;
  readonly observe: (observation: Observation) => void;
}

/** Where credentials come from: the cache and who fills it, what people typed, and what outlives a restart. */
export interface TokenSupply {
  readonly tokens: TokenCache;
  readonly logins: StoredLogins;
  readonly store: LazyStore;
  /** Of the program that the acquirers are. */
  readonly program: ProgramOnDisk;
  readonly readSource: (source: SecretSource) => Promise<Secret>;
  readonly people: Pick<PeopleParts, 'signIn' | 'signOut' | 'isSignedIn'>;
  /** Ends the acquirers, and waits until what is to be kept is on disk. */
  close(): Promise<void>;
}

export function createTokenSupply(parts: TokenSupplyParts): TokenSupply {
  const {environment, state, uid, clock, key, inForce, log, observe} = parts;
  const store = new LazyStore(() =>
    openStore({directory: join(state, 'secrets'), uid, environment, platform: process.platform}),
  );
  const pool = new AcquirerPool({environment, clock, compileCache: compileCacheOf(state), observe});
  const readSource = (source: SecretSource) =>
    readSecret(source, {
      environment,
      readVault: async (vault, secret) => {
        const {readVaultSecret} = await import('../../entra/read-vault-secret.ts');
        return readVaultSecret({vault, secret}, {pool, environment});
      },
    });
  const refreshTokens = store.section('refresh-token/');
  const acquire = createAcquire({
    pool,
    clock,
    fingerprint: (secret) => fingerprintOf(key, secret),
    readSecret: readSource,
    environment,
    authority: {
      get authorityHost() {
        return inForce.configuration.settings.entra.authorityHost;
      },
      get disableInstanceDiscovery() {
        return inForce.configuration.settings.entra.disableInstanceDiscovery;
      },
    },
    refreshTokens,
    onNotKept: (error) =>
      log('error', `a sign-in could not be kept, it ends with the daemon: ${String(error)}`),
  });
  const tokens = new TokenCache({acquire, clock, random: Math.random});
  const logins = new StoredLogins({
    clock,
    archive: store.section('login/'),
    failed: (done, error) => log('error', `a stored login could not be ${done}: ${String(error)}`),
    waitFor: waitForDisk,
  });
  return {
    tokens,
    logins,
    store,
    program: pool.program,
    readSource,
    people: {
      signIn: async (identity, how) => {
        const {signIn} = await import('../../entra/sign-in/sign-in.ts');
        return signIn(identity, {pool, readSecret: readSource, refreshTokens}, how);
      },
      signOut: async (identity) => refreshTokens.remove(refreshTokenName(identity)),
      isSignedIn: async (identity) => (await refreshTokens.names()).includes(refreshTokenName(identity)),
    },
    async close() {
      pool.close();
      await logins.close();
      tokens.clear();
      await store.close();
    },
  };
}

/** 16 hex digits: enough to tell a token, nothing to find it by. */
function fingerprintOf(key: Uint8Array, secret: Secret): string {
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  const hash = createHmac('sha256', key).update(bytes).digest('hex');
  bytes.fill(0);
  return hash.slice(0, 16);
}
