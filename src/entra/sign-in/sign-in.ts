import type {Identity} from '../../identity/identity.ts';
import {printable} from '../../text/printable.ts';
import {isRecord} from '../../text/record.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../../token/acquire.ts';
import {Secret} from '../../secret/secret.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import type {AcquirerPool} from '../child/acquirer-pool.ts';
import {advise, subjectOf} from '../advice.ts';
import {clientSecretOf, signInFields, type ErrandParts} from '../errand-for.ts';
import {refreshTokenName} from './refresh-tokens.ts';
import {AcquirerError} from '../failure.ts';

type SignInIdentity = Extract<Identity, {kind: 'sign-in'}>;

/** What the user must do now, in the same form from the acquirer to the terminal. */
export type SignInEvent =
  /** Open this address in a browser on this machine, to sign in to the application `clientId`. */
  | {readonly event: 'login'; readonly openUrl: string; readonly clientId: string}
  /** Type this code at the address, on any device. */
  | {readonly event: 'login'; readonly deviceCode: {readonly url: string; readonly code: string}};

export type SignedIn =
  | {
      readonly kind: 'signed-in';
      /** The user's name at the issuer: `ada@contoso.example`. */
      readonly username: string | undefined;
      /** A GUID. */
      readonly tenantId: string | undefined;
    }
  | {readonly kind: 'failed'; readonly failure: Failure};

export interface SignInParts extends Pick<ErrandParts, 'readSecret' | 'refreshTokens'> {
  readonly pool: Pick<AcquirerPool, 'run'>;
  /** How long a user may take, in milliseconds. Default: 15 minutes. */
  readonly patience?: number;
}

interface SignInWatch {
  /** Gets what the user must do. */
  readonly onEvent: (event: SignInEvent) => void;
  /** Returns why the user who signed in may not replace the one before. */
  readonly object?: (username: string | undefined) => Promise<Failure | undefined>;
  /** Cancels. */
  readonly signal?: AbortSignal;
}

/**
 * Signs a user in and stores the refresh token, with which the identity acquires tokens from then on. Failures are
 * returned.
 */
export async function signIn(
  identity: SignInIdentity,
  parts: SignInParts,
  {onEvent, object, signal}: SignInWatch,
): Promise<SignedIn> {
  try {
    const outcome = await parts.pool.run({
      job: {
        task: identity.method,
        fields: signInFields(identity, AZURE_DEVOPS_SCOPE),
        secrets: await clientSecretOf(identity, parts),
      },
      // users are slow: their acquirers get an endpoint of their own
      endpoint: 'sign-in',
      life: parts.patience ?? TIME_BUDGET.signIn,
      onEvent: (event) => {
        const shown = shownEvent(event);
        if (shown !== undefined) onEvent(shown);
      },
      ...(signal === undefined ? {} : {signal}),
    });
    if (outcome.kind === 'failed') return failed(advise(outcome.failure, subjectOf(identity)));
    const {head, secrets} = outcome.message;
    secrets['accessToken']?.fill(0);
    const refreshToken = new Secret(secrets['refreshToken'] ?? new Uint8Array());
    const username = shownText(head['username']);
    const failure = await keep(refreshToken, () => object?.(username), identity, parts).finally(() =>
      refreshToken.erase(),
    );
    if (failure !== undefined) return failed(failure);
    return {kind: 'signed-in', username, tenantId: shownText(head['tenantId'])};
  } catch (error) {
    if (error instanceof AcquirerError) return failed(advise(error.failure, subjectOf(identity)));
    const detail = error instanceof Error ? error.message : String(error);
    return failed({...notKept, message: `the sign-in could not be stored: ${printable(detail)}`});
  }
}

/** Stores a refresh token. Returns why it may not be kept. */
async function keep(
  refreshToken: Secret,
  object: () => Promise<Failure | undefined> | undefined,
  identity: SignInIdentity,
  {refreshTokens}: Pick<SignInParts, 'refreshTokens'>,
): Promise<Failure | undefined> {
  if (refreshToken.length === 0) return noRefreshToken;
  const objection = await object();
  if (objection === undefined) await refreshTokens.write(refreshTokenName(identity), refreshToken);
  return objection;
}

/** Returns an event of the acquirer as it may be printed: the texts are the issuer's. */
function shownEvent({
  openUrl,
  clientId,
  deviceCode,
}: Readonly<Record<string, unknown>>): SignInEvent | undefined {
  if (typeof openUrl === 'string' && typeof clientId === 'string')
    return {event: 'login', openUrl, clientId: printable(clientId, 60)};
  if (!isRecord(deviceCode)) return undefined;
  const {url, code} = deviceCode;
  if (typeof url !== 'string' || typeof code !== 'string') return undefined;
  return {event: 'login', deviceCode: {url: printable(url, 300), code: printable(code, 50)}};
}

function shownText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? printable(value, 200) : undefined;
}

function failed(failure: Failure): SignedIn {
  return {kind: 'failed', failure};
}

const noRefreshToken: Failure = {
  code: 'ERR_NO_REFRESH_TOKEN',
  message: 'the issuer returned no refresh token, so the sign-in would expire within the hour',
  hint: 'Grant the app the permission offline_access.',
};

const notKept: Failure = {
  code: 'ERR_SIGN_IN_NOT_KEPT',
  message: 'the sign-in could not be stored',
  hint: 'Check that the state directory is writable and has free space, then sign in again.',
};
