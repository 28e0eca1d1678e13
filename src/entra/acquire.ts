import type {SecretSource, Identity} from '../identity/identity.ts';
import {clientIdOf} from '../identity/identity.ts';
import {printable} from '../text/printable.ts';
import type {Acquire, Acquisition, Failure} from '../token/acquire.ts';
import {NEVER_BELOW} from '../token/freshness.ts';
import {Secret} from '../secret/secret.ts';
import type {Clock, Token} from '../token/token.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import type {AcquirerPool} from './child/acquirer-pool.ts';
import {advise} from './advice.ts';
import type {Variables} from './child-environment.ts';
import {errandFor} from './errand-for.ts';
import type {Message} from './message.ts';
import {refreshTokenName, type RefreshTokens} from './sign-in/refresh-tokens.ts';
import {AcquirerError} from './failure.ts';

export interface AcquireParts {
  readonly pool: Pick<AcquirerPool, 'run'>;
  readonly clock: Clock;
  /** 16 hex digits of a keyed hash. */
  readonly fingerprint: (secret: Secret) => string;
  /** Reads what is not held; who calls it owns what it gets, and erases it. */
  readonly readSecret: ReadSecret;
  /** The daemon's environment, for the kinds that take something from it. */
  readonly environment: Variables;
  readonly authority: Authority;
  readonly refreshTokens: RefreshTokens;
  /** Told when a new refresh token could not be kept; the access token is good all the same. */
  readonly onNotKept?: (error: unknown, identity: Identity) => void;
}

export type ReadSecret = (source: SecretSource) => Promise<Secret>;

/** Which Entra. */
export interface Authority {
  /** `https://login.microsoftonline.com`. */
  readonly authorityHost: string;
  readonly disableInstanceDiscovery: boolean;
}

/** For a token whose issuer does not say how long it lives, in milliseconds. */
export const UNSAID_LIFE = 10 * 60_000;

/** Longer lives than this are not believed, in milliseconds: managed identities' tokens live for a day. */
const LONGEST_LIFE = 25 * 60 * 60_000;

/** The one way to tokens: personal access tokens are read, all others brought by an acquirer. */
export function createAcquire(parts: AcquireParts): Acquire {
  return async (wanted) => {
    const {identity} = wanted;
    try {
      if (identity.kind === 'pat') return await readPat(identity.personalAccessToken, parts);
      const asked = parts.clock.uptime();
      const errand = await errandFor(wanted, parts);
      const used = identity.kind === 'sign-in' ? await keptFingerprint(identity, parts) : undefined;
      const {uptime, wall} = momentOf(parts.clock);
      const spent = uptime - asked;
      if (spent > TIME_BUDGET.secrets) return failed(slowSecret(spent));
      const outcome = await parts.pool.run({...errand, spent});
      if (outcome.kind === 'failed')
        return failed(advise(outcome.failure, {...suffererOf(identity), skew: outcome.skew}));
      if (identity.kind === 'sign-in') await keepRefreshToken(identity, outcome.message, used, parts);
      return tokenFrom(outcome.message, {uptime, wall}, parts);
    } catch (error) {
      return failed(describeSurprise(error, identity));
    }
  };
}

async function readPat(
  source: SecretSource,
  {clock, fingerprint, readSecret}: AcquireParts,
): Promise<Acquisition> {
  // the token erases its secret in the end, the configuration's must stay
  const secret = source.from === 'held' ? copyOf(source.secret) : await readSecret(source);
  if (!isPlain(secret)) {
    secret.erase();
    return failed(brokenPat);
  }
  const {uptime, wall} = momentOf(clock);
  const token: Token = {
    kind: 'pat',
    secret,
    fingerprint: fingerprint(secret),
    acquiredAt: wall,
    acquiredUptime: uptime,
    expiresAt: undefined,
    refreshAt: undefined,
  };
  return {kind: 'token', token};
}

function tokenFrom(
  {head, secrets}: Message,
  began: {readonly uptime: number; readonly wall: number},
  {fingerprint}: AcquireParts,
): Acquisition {
  const bytes = secrets['accessToken'];
  if (bytes === undefined || bytes.length === 0) return failed(noToken);
  const secret = new Secret(bytes);
  const expiresIn = Math.min(durationIn(head['expiresIn']) ?? UNSAID_LIFE, LONGEST_LIFE);
  const refreshIn = durationIn(head['refreshIn']);
  if (expiresIn < NEVER_BELOW || !isPlain(secret)) {
    secret.erase();
    return failed(expiresIn < NEVER_BELOW ? tooShort(expiresIn) : noToken);
  }
  const token: Token = {
    kind: 'access-token',
    secret,
    fingerprint: fingerprint(secret),
    // counted from before the question: the answer took its time
    acquiredAt: began.wall,
    acquiredUptime: began.uptime,
    expiresAt: began.wall + expiresIn,
    refreshAt: refreshIn === undefined || refreshIn >= expiresIn ? undefined : began.wall + refreshIn,
  };
  return {kind: 'token', token};
}

/**
 * The issuer may have replaced it: the old one may stop working at any time. Where the person signed out meanwhile, or
 * in anew, what was replaced is not there any more and stays away.
 */
async function keepRefreshToken(
  identity: Extract<Identity, {kind: 'sign-in'}>,
  {secrets}: Message,
  used: string | undefined,
  parts: AcquireParts,
): Promise<void> {
  const bytes = secrets['refreshToken'];
  if (bytes === undefined || bytes.length === 0) return;
  const secret = new Secret(bytes);
  try {
    if ((await keptFingerprint(identity, parts)) === used)
      await parts.refreshTokens.write(refreshTokenName(identity), secret);
  } catch (error) {
    parts.onNotKept?.(error, identity);
  } finally {
    secret.erase();
  }
}

async function keptFingerprint(
  identity: Extract<Identity, {kind: 'sign-in'}>,
  {refreshTokens, fingerprint}: AcquireParts,
): Promise<string | undefined> {
  const secret = await refreshTokens.read(refreshTokenName(identity));
  const name = secret && fingerprint(secret);
  secret?.erase();
  return name;
}

/** Visible ASCII, as all tokens are; anything else would break a header or git's lines. */
function isPlain(secret: Secret): boolean {
  const bytes = bytesOf(secret);
  const isFine = bytes.length > 0 && bytes.every((byte) => byte > 0x20 && byte < 0x7f);
  bytes.fill(0);
  return isFine;
}

function copyOf(secret: Secret): Secret {
  return new Secret(bytesOf(secret));
}

function bytesOf(secret: Secret): Uint8Array {
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  return bytes;
}

function momentOf(clock: Clock): {readonly uptime: number; readonly wall: number} {
  return {uptime: clock.uptime(), wall: clock.wall()};
}

function durationIn(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function suffererOf(identity: Identity) {
  return {kind: identity.kind, clientId: clientIdOf(identity)};
}

function failed(failure: Failure): Acquisition {
  return {kind: 'failed', failure};
}

/** Secret sources and stores throw errors with a code and a hint; anything else is shown as it is. */
function describeSurprise(error: unknown, identity: Identity): Failure {
  if (error instanceof AcquirerError) return advise(error.failure, suffererOf(identity));
  if (!(error instanceof Error))
    return advise({kind: 'unexpected', detail: String(error)}, suffererOf(identity));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'ERR_SECRET_UNREADABLE';
  const hint =
    'hint' in error && typeof error.hint === 'string'
      ? printable(error.hint)
      : 'Run orgkey doctor; it reads each secret and says what fails.';
  return {code, message: printable(error.message), hint, retryAfter: undefined};
}

const brokenPat: Failure = {
  code: 'ERR_PAT_FORMAT',
  message: 'the personal access token is empty or has characters that no token has',
  hint: 'Paste it again, without spaces and line ends: https://dev.azure.com/_usersSettings/tokens',
  retryAfter: undefined,
};

function slowSecret(milliseconds: number): Failure {
  return {
    code: 'ERR_SECRET_SLOW',
    message: `reading its secret took ${Math.round(milliseconds / 1000)} s, and no time was left to ask the issuer`,
    hint: 'See why the program, keyring or vault is slow, or keep the secret in a file.',
    retryAfter: undefined,
  };
}

const noToken: Failure = {
  code: 'ERR_UNUSABLE_ANSWER',
  message: 'the issuer answered without a token',
  hint: 'Something in between answers in its place: check the proxy of this machine and the authority host.',
  retryAfter: undefined,
};

function tooShort(left: number): Failure {
  return {
    code: 'ERR_TOKEN_ENDS',
    message: `the issuer's token ends in ${Math.floor(left / 1000)} s`,
    hint: 'A new one is asked for by itself; a token that short means a lifetime policy or a cache at the issuer.',
    retryAfter: undefined,
  };
}
