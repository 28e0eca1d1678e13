import {randomUUID} from 'node:crypto';
import type {Identity, SecretSource} from '../identity/identity.ts';
import {codeOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import type {Acquire, Acquisition, Failure} from '../token/acquire.ts';
import {NEVER_BELOW} from '../token/freshness.ts';
import {Secret} from '../secret/secret.ts';
import type {Clock, Token} from '../token/token.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import type {AcquirerPool, Errand, Outcome} from './child/acquirer-pool.ts';
import {errandFor, type ErrandParts} from './errand-for.ts';
import type {Message} from './message.ts';
import {refreshTokenName} from './sign-in/refresh-tokens.ts';
import {AcquirerError, type AcquirerFailure} from './failure.ts';

interface AcquireParts extends ErrandParts {
  readonly pool: Pick<AcquirerPool, 'run'>;
  readonly clock: Clock;
  /** 16 hex digits of a keyed hash. */
  readonly fingerprint: (secret: Secret) => string;
  /** Called if a new refresh token could not be stored. The access token is valid all the same. */
  readonly onNotKept?: (error: unknown, identity: Identity) => void;
}

/** The life of a token whose issuer does not name one, in milliseconds. */
const UNSAID_LIFE = 10 * 60_000;

/** A longer life is cut, in milliseconds: tokens of managed identities live for a day. Fact 11. */
const LONGEST_LIFE = 25 * 60 * 60_000;

/** Loads the texts about failures, for which a cold start has no time. Later, an update could have removed them. */
export function loadAdvice() {
  return import('./advice.ts');
}

/** Returns the function that acquires tokens: it reads personal access tokens, and runs an acquirer for all others. */
export function createAcquire(parts: AcquireParts): Acquire {
  return async (wanted) => {
    const {identity, id: issuerRequest = randomUUID()} = wanted;
    try {
      if (identity.kind === 'pat') return await readPat(identity.personalAccessToken, parts);
      const asked = parts.clock.uptime();
      const errand = named(await errandFor(wanted, parts), issuerRequest);
      const used = identity.kind === 'sign-in' ? await keptFingerprint(identity, parts) : undefined;
      const {uptime, wall} = momentOf(parts.clock);
      const spent = uptime - asked;
      if (spent > TIME_BUDGET.secrets) return failed(slowSecret(spent));
      const outcome = await parts.pool.run({...errand, spent});
      if (outcome.kind === 'failed') {
        const {advise, subjectOf} = await loadAdvice();
        const subject = {...subjectOf(identity), ...factsOf(outcome)};
        return failed({...advise(outcome.failure, subject), issuerRequest});
      }
      if (identity.kind === 'sign-in') await keepRefreshToken(identity, outcome.message, used, parts);
      return tokenFrom(outcome.message, {uptime, wall, issuerRequest}, parts);
    } catch (error) {
      return failed(await failureFrom(error, identity));
    }
  };
}

/** The acquirer sends the name to the issuer, so that its log can be joined with ours. */
function named(errand: Errand, requestId: string): Errand {
  const {job} = errand;
  return {...errand, job: {...job, fields: {...job.fields, requestId}}};
}

async function readPat(
  source: SecretSource,
  {clock, fingerprint, readSecret}: AcquireParts,
): Promise<Acquisition> {
  // the token's secret is erased in the end, the configuration's must stay
  const secret = source.from === 'held' ? source.secret.copy() : await readSecret(source);
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
  began: {readonly uptime: number; readonly wall: number; readonly issuerRequest: string},
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
    // before the request: the issuer counts from a moment in between
    acquiredAt: began.wall,
    acquiredUptime: began.uptime,
    expiresAt: began.wall + expiresIn,
    refreshAt: refreshIn === undefined || refreshIn >= expiresIn ? undefined : began.wall + refreshIn,
    issuerRequest: began.issuerRequest,
    credentialExpiresAt: durationIn(head['credentialExpiresAt']),
  };
  return {kind: 'token', token};
}

/**
 * Stores the new refresh token, because the issuer may revoke the old one. If the user signed out or in again meanwhile,
 * the token we used is gone, and its successor is not stored.
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

/** Whether all bytes are visible ASCII, as in every token. Others would break a header or git's lines. */
function isPlain(secret: Secret): boolean {
  return secret.use((bytes) => bytes.length > 0 && bytes.every((byte) => byte > 0x20 && byte < 0x7f));
}

function momentOf(clock: Clock): {readonly uptime: number; readonly wall: number} {
  return {uptime: clock.uptime(), wall: clock.wall()};
}

function durationIn(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

/** Returns what the acquirer learned besides the failure. */
function factsOf({skew, assertion}: Extract<Outcome, {kind: 'failed'}>) {
  return {skew, assertion};
}

function failed(failure: Failure): Acquisition {
  return {kind: 'failed', failure};
}

/** Secret sources and stores throw errors with code and hint; the message of others is shown alone. */
async function failureFrom(error: unknown, identity: Identity): Promise<Failure> {
  if (error instanceof AcquirerError || !(error instanceof Error)) {
    const {advise, subjectOf} = await loadAdvice();
    const failure: AcquirerFailure =
      error instanceof AcquirerError ? error.failure : {kind: 'unexpected', detail: String(error)};
    return advise(failure, subjectOf(identity));
  }
  const code = codeOf(error) ?? 'ERR_SECRET_UNREADABLE';
  const hint =
    'hint' in error && typeof error.hint === 'string'
      ? printable(error.hint)
      : 'Run orgkey doctor; it reads each secret and reports what fails.';
  return {code, message: printable(error.message), hint, retryAfter: restIn(error.cause)};
}

/** A vault may ask for a rest. */
function restIn(cause: unknown): number | undefined {
  return cause instanceof AcquirerError && cause.failure.kind === 'rejected'
    ? cause.failure.retryAfter
    : undefined;
}

const brokenPat: Failure = {
  code: 'ERR_PAT_FORMAT',
  message: 'the personal access token is empty or has an invalid character',
  hint: 'Paste it again, without spaces and line ends: https://dev.azure.com/_usersSettings/tokens',
};

function slowSecret(milliseconds: number): Failure {
  return {
    code: 'ERR_SECRET_SLOW',
    message: `reading its secret took ${Math.round(milliseconds / 1000)} s, and no time was left to ask the issuer`,
    hint: 'Check why the program, keyring or vault is slow, or keep the secret in a file.',
  };
}

const noToken: Failure = {
  code: 'ERR_UNUSABLE_ANSWER',
  message: 'the issuer answered without a token',
  hint: 'A proxy may answer in its place: check the proxy of this machine and the authority host.',
};

function tooShort(left: number): Failure {
  return {
    code: 'ERR_TOKEN_ENDS',
    message: `the issuer's token ends in ${Math.floor(left / 1000)} s`,
    hint: "orgkey acquires a new one automatically; check the issuer's token lifetime policy and cache.",
  };
}
