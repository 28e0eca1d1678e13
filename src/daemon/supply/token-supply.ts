import {createHmac} from 'node:crypto';
import {join} from 'node:path';
import {compileCacheOf} from '../../compile-cache.ts';
import {readSecret} from '../../config/value/read-secret.ts';
import type {PeopleParts} from '../../control/people.ts';
import {createAcquire} from '../../entra/acquire.ts';
import {AcquirerPool, type Observation} from '../../entra/child/acquirer-pool.ts';
import type {ProgramOnDisk} from '../../entra/child/acquirer-program.ts';
import {refreshTokenName} from '../../entra/sign-in/refresh-tokens.ts';
import {describeIdentity, type SecretSource} from '../../identity/identity.ts';
import type {Acquire, Failure, Wanted} from '../../token/acquire.ts';
import {StoredLogins} from '../../login/stored-logins.ts';
import {Secret} from '../../secret/secret.ts';
import type {SecretSection} from '../../store/secret-store.ts';
import {TokenCache} from '../../token/token-cache.ts';
import type {Clock} from '../../token/token.ts';
import {elapsed} from '../elapsed.ts';
import type {Log} from '../record/log.ts';
import {AcquisitionTally} from '../status/acquisition-tally.ts';
import type {ConfigurationInForce} from './configuration-in-force.ts';
import {LazyStore} from './lazy-store.ts';
import {waitForDisk} from './wait-for-disk.ts';

interface TokenSupplyParts {
  readonly environment: NodeJS.ProcessEnv;
  /** The state directory. */
  readonly state: string;
  readonly uid: number;
  readonly clock: Clock;
  /** Random bytes of this process. */
  readonly key: Uint8Array;
  readonly inForce: ConfigurationInForce;
  readonly log: Log;
  readonly onUnexpected: (error: unknown) => void;
  readonly observe: (observation: Observation) => void;
}

/** Supplies credentials: the token cache with the acquirers that fill it, stored logins, and the secret store. */
export class TokenSupply {
  readonly tokens: TokenCache;
  readonly acquisitions = new AcquisitionTally(elapsed, (wanted) => this.tokens.peek(wanted) !== undefined);
  readonly logins: StoredLogins;
  readonly store: LazyStore;
  readonly #parts: TokenSupplyParts;
  readonly #pool: AcquirerPool;
  readonly #refreshTokens: SecretSection;
  /** The keys of identities for which a token could not be acquired ahead. */
  readonly #lacking = new Set<string>();
  #loginsTakenUp: Promise<unknown> | undefined;

  constructor(parts: TokenSupplyParts) {
    const {environment, state, clock, observe} = parts;
    this.#parts = parts;
    this.store = openLazily(parts);
    this.#refreshTokens = this.store.section('refresh-token/');
    this.#pool = new AcquirerPool({environment, clock, compileCache: compileCacheOf(state), observe});
    const acquire = this.#reporting(this.acquisitions.counting(this.#createAcquire()));
    this.tokens = new TokenCache({
      acquire,
      clock,
      random: Math.random,
      onRenewal: (wanted, failure) => this.#logRenewal(wanted, failure),
    });
    this.logins = createLogins(this.store, parts);
  }

  get program(): ProgramOnDisk {
    return this.#pool.program;
  }

  /** What the control channel needs to sign people in and out. */
  get people(): Omit<PeopleParts, 'bindings' | 'tokens' | 'rejections'> {
    const refreshTokens = this.#refreshTokens;
    const accounts = this.store.section('account/');
    return {
      signIn: async (identity, how) => {
        const {signIn} = await import('../../entra/sign-in/sign-in.ts');
        const readSource = (source: SecretSource) => this.readSource(source);
        return signIn(identity, {pool: this.#pool, readSecret: readSource, refreshTokens}, how);
      },
      async signOut(identity) {
        await refreshTokens.remove(refreshTokenName(identity));
        await accounts.remove(refreshTokenName(identity));
      },
      async knownAccount(identity) {
        const account = await accounts.read(refreshTokenName(identity));
        return account?.revealText();
      },
      async keepAccount(identity, name) {
        await accounts.write(refreshTokenName(identity), Secret.fromText(name));
      },
      isSignedIn: async (identity) => (await refreshTokens.names()).includes(refreshTokenName(identity)),
    };
  }

  /** Reads a secret from where the configuration says. The caller erases it. */
  readSource(source: SecretSource): Promise<Secret> {
    const {environment} = this.#parts;
    const pool = this.#pool;
    return readSecret(source, {
      environment,
      async readVault(vault, secret) {
        const {readVaultSecret} = await import('../../entra/read-vault-secret.ts');
        return readVaultSecret({vault, secret}, {pool, environment});
      },
    });
  }

  /** Reads the persisted logins once. Organizations that need none of them do not wait for a locked keyring. */
  async takeUpLogins(): Promise<void> {
    this.#loginsTakenUp ??= this.logins.load().catch(this.#parts.onUnexpected);
    await waitForDisk(this.#loginsTakenUp);
  }

  /** Ends the acquirers, and waits until the disk has what is to be kept. */
  async close(): Promise<void> {
    this.#pool.close();
    await this.logins.close();
    this.tokens.clear();
    await this.store.close();
  }

  /** Says once that acquiring ahead fails, and once that it works: a request that waits reports its own failure. */
  #reporting(acquire: Acquire): Acquire {
    return async (wanted) => {
      const acquisition = await acquire(wanted);
      const {identity, id} = wanted;
      const {log} = this.#parts;
      if (acquisition.kind === 'token') {
        if (this.#lacking.delete(identity.key))
          log('info', `${describeIdentity(identity)}: it has a token now`);
      } else if (
        id === undefined &&
        this.tokens.peek(wanted) === undefined &&
        !this.#lacking.has(identity.key)
      ) {
        this.#lacking.add(identity.key);
        const {message, code, issuerRequest} = acquisition.failure;
        log('warn', `${describeIdentity(identity)}: no token could be acquired ahead: ${message}`, {
          code,
          issuerRequest,
        });
      }
      return acquisition;
    };
  }

  /** Says once that renewing began to fail, and once that it works again: git notices nothing of it. */
  #logRenewal({identity}: Wanted, failure: Failure | undefined): void {
    const {log} = this.#parts;
    const who = describeIdentity(identity);
    if (failure === undefined) log('info', `${who}: the token is renewed again`);
    else
      log('warn', `${who}: the token cannot be renewed, and is served until it expires: ${failure.message}`, {
        code: failure.code,
      });
  }

  #createAcquire(): ReturnType<typeof createAcquire> {
    const {environment, clock, key, inForce, log} = this.#parts;
    return createAcquire({
      pool: this.#pool,
      clock,
      fingerprint: (secret) => fingerprintOf(key, secret),
      readSecret: (source) => this.readSource(source),
      environment,
      authority: {
        get authorityHost() {
          return inForce.configuration.settings.entra.authorityHost;
        },
        get disableInstanceDiscovery() {
          return inForce.configuration.settings.entra.disableInstanceDiscovery;
        },
      },
      refreshTokens: this.#refreshTokens,
      onNotKept: (error) =>
        log('error', `a sign-in could not be stored and ends with the daemon: ${String(error)}`),
    });
  }
}

/** Loads the code of the store, for which a cold start has no time. Later, an update could have removed it. */
export function loadStore() {
  return import('../../store/open-store.ts');
}

function openLazily({environment, state, uid, inForce}: TokenSupplyParts): LazyStore {
  const directory = join(state, 'secrets');
  return new LazyStore(
    async () => {
      const {openStore} = await loadStore();
      return openStore({directory, uid, environment, platform: process.platform});
    },
    () => inForce.configuration.settings.plainStore === 'accept',
  );
}

function createLogins(store: LazyStore, {clock, log}: TokenSupplyParts): StoredLogins {
  return new StoredLogins({
    clock,
    archive: store.section('login/'),
    failed: (use, error) => log('error', `a stored login could not be ${use}: ${String(error)}`),
    waitFor: waitForDisk,
  });
}

/** Returns 16 hex digits: enough to recognize a token, and useless for finding it. */
function fingerprintOf(key: Uint8Array, secret: Secret): string {
  const hash = secret.use((bytes) => createHmac('sha256', key).update(bytes).digest('hex'));
  return hash.slice(0, 16);
}
