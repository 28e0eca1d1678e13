import type {Identity} from '../../identity/identity.ts';
import {printable} from '../../text/printable.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../../token/acquire.ts';
import {Secret} from '../../secret/secret.ts';
import type {AcquireParts} from '../acquire.ts';
import type {AcquirerPool} from '../child/acquirer-pool.ts';
import {advise} from '../advice.ts';
import {clientSecretOf, signInFields} from '../errand-for.ts';
import {refreshTokenName} from './refresh-tokens.ts';
import {TroubleError} from '../trouble.ts';

type SignInIdentity = Extract<Identity, {kind: 'sign-in'}>;

/** What a person must do now. */
export type SignInEvent =
  /** Open this address in a browser on this machine. */
  | {readonly kind: 'open'; readonly url: string}
  /** Type this code there, on any device. `expiresIn` in milliseconds. */
  | {
      readonly kind: 'code';
      readonly userCode: string;
      readonly verificationUri: string;
      readonly expiresIn: number;
    };

export type SignedIn =
  | {
      readonly kind: 'signed-in';
      /** As the issuer calls the person: `ada@contoso.example`. */
      readonly username: string | undefined;
      /** A GUID. */
      readonly tenantId: string | undefined;
    }
  | {readonly kind: 'failed'; readonly failure: Failure};

export interface SignInParts extends Pick<AcquireParts, 'readSecret' | 'refreshTokens'> {
  readonly pool: Pick<AcquirerPool, 'run'>;
  /** How long a person may take, in milliseconds. Default: 15 minutes. */
  readonly patience?: number;
}

/** As long as Entra's device codes live, in milliseconds. */
const PATIENCE = 15 * 60_000;

/**
 * Signs a person in, and keeps the refresh token: from then on the identity acquires by itself. What goes wrong is
 * returned. `onEvent` tells what the person must do; `signal` gives up.
 */
export async function signIn(
  identity: SignInIdentity,
  parts: SignInParts,
  {onEvent, signal}: {readonly onEvent: (event: SignInEvent) => void; readonly signal?: AbortSignal},
): Promise<SignedIn> {
  try {
    const outcome = await parts.pool.run({
      job: {
        task: identity.method,
        fields: signInFields(identity, AZURE_DEVOPS_SCOPE),
        secrets: await clientSecretOf(identity, parts),
        time: 0,
      },
      // people are slow: they must not stand in the way of what takes seconds
      endpoint: 'sign-in',
      gates: {},
      life: parts.patience ?? PATIENCE,
      onEvent: (event) => {
        const told = eventFrom(event);
        if (told !== undefined) onEvent(told);
      },
      ...(signal === undefined ? {} : {signal}),
    });
    if (outcome.kind === 'failed') return failed(advise(outcome.trouble, identity));
    const {head, secrets} = outcome.message;
    secrets['accessToken']?.fill(0);
    const refreshToken = secrets['refreshToken'];
    if (refreshToken === undefined || refreshToken.length === 0) return failed(noRefreshToken);
    const secret = new Secret(refreshToken);
    await parts.refreshTokens.write(refreshTokenName(identity), secret).finally(() => secret.erase());
    return {kind: 'signed-in', username: shownText(head['username']), tenantId: shownText(head['tenantId'])};
  } catch (error) {
    if (error instanceof TroubleError) return failed(advise(error.trouble, identity));
    const detail = error instanceof Error ? error.message : String(error);
    return failed({...notKept, message: `the sign-in could not be kept: ${printable(detail)}`});
  }
}

/** Forgets the person. The refresh token lives on at the issuer until it lapses: there is no request that ends it. */
export async function signOut(
  identity: SignInIdentity,
  {refreshTokens}: Pick<SignInParts, 'refreshTokens'>,
): Promise<void> {
  await refreshTokens.remove(refreshTokenName(identity));
}

function eventFrom(event: Readonly<Record<string, unknown>>): SignInEvent | undefined {
  const {event: kind, url, userCode, verificationUri, expiresIn} = event;
  if (kind === 'open' && typeof url === 'string') return {kind, url};
  if (kind !== 'code' || typeof userCode !== 'string' || typeof verificationUri !== 'string')
    return undefined;
  return {
    kind,
    userCode: printable(userCode, 50),
    verificationUri: printable(verificationUri, 300),
    expiresIn: typeof expiresIn === 'number' ? expiresIn : PATIENCE,
  };
}

function shownText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? printable(value, 200) : undefined;
}

function failed(failure: Failure): SignedIn {
  return {kind: 'failed', failure};
}

const noRefreshToken: Failure = {
  code: 'ERR_NO_REFRESH_TOKEN',
  message: 'the issuer gave no refresh token, so the sign-in would end within the hour',
  hint: 'Let the app have offline_access.',
  retryAfter: undefined,
};

const notKept: Failure = {
  code: 'ERR_SIGN_IN_NOT_KEPT',
  message: 'the sign-in could not be kept',
  hint: 'See that the state directory can be written and has room, then sign in again.',
  retryAfter: undefined,
};
