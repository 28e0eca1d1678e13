import {refreshTokenName} from '../entra/sign-in/refresh-tokens.ts';
import type {SignInEvent, SignedIn} from '../entra/sign-in/sign-in.ts';
import type {Bindings} from '../identity/bindings.ts';
import {describeIdentity, type Identity} from '../identity/identity.ts';
import {isoTime} from '../text/iso-time.ts';
import {notConfigured} from './not-configured.ts';
import {AZURE_DEVOPS_SCOPE} from '../token/acquire.ts';
import type {Rejections} from '../token/rejections.ts';
import type {TokenCache} from '../token/token-cache.ts';
import type {Caller, Params, Result} from './control-protocol.ts';
import {ownerNamed} from './owner-named.ts';

type SignInIdentity = Extract<Identity, {kind: 'sign-in'}>;

export interface PeopleParts {
  readonly bindings: () => Bindings;
  readonly tokens: Pick<TokenCache, 'get' | 'drop'>;
  readonly rejections: Pick<Rejections, 'forget'>;
  readonly signIn: (
    identity: SignInIdentity,
    how: {readonly onEvent: (event: SignInEvent) => void; readonly signal: AbortSignal},
  ) => Promise<SignedIn>;
  readonly signOut: (identity: SignInIdentity) => Promise<void>;
  readonly isSignedIn: (identity: SignInIdentity) => Promise<boolean>;
}

/** Signs people in and out for the command line. */
export class People {
  readonly #parts: PeopleParts;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  async login({organization, method}: Params<'login'>, {send, gone}: Caller): Result<'login'> {
    const bindings = this.#parts.bindings();
    const choice = bindings.choose(ownerNamed(organization, bindings));
    if (choice.kind === 'none') return {kind: 'failed', ...notConfigured(organization, bindings)};
    const {identity} = choice.binding;
    if (identity.kind !== 'sign-in') return notSignIn(organization, identity);
    // both methods store the same sign-in
    const signedIn = await this.#parts.signIn(method === undefined ? identity : {...identity, method}, {
      onEvent: send,
      signal: gone,
    });
    if (signedIn.kind === 'failed') {
      const {code, message, hint} = signedIn.failure;
      return {kind: 'failed', code, message, hint};
    }
    // the sign-in may end failures that are being waited out
    this.#forgetTokensOf(identity);
    const found = await this.#parts.tokens.get({identity, scope: AZURE_DEVOPS_SCOPE});
    const expiresAt = found.kind === 'token' ? isoTime(found.token.expiresAt) : undefined;
    return {kind: 'signed-in', account: signedIn.username ?? organization, expiresAt};
  }

  async logout({organization}: Params<'logout'>): Result<'logout'> {
    const bindings = this.#parts.bindings();
    const choice = bindings.choose(ownerNamed(organization, bindings));
    if (choice.kind === 'none') return {wasSignedIn: false, failure: notConfigured(organization, bindings)};
    const {identity} = choice.binding;
    if (identity.kind !== 'sign-in') return {wasSignedIn: false};
    const wasSignedIn = await this.#parts.isSignedIn(identity);
    await this.#parts.signOut(identity);
    this.#forgetTokensOf(identity);
    return {wasSignedIn};
  }

  #forgetTokensOf(person: SignInIdentity): void {
    const identities = sharingSignIn(person, this.#parts.bindings());
    this.#parts.tokens.drop(identities);
    this.#parts.rejections.forget(identities);
  }
}

function notSignIn(organization: string, identity: Identity): Awaited<Result<'login'>> {
  return {
    kind: 'failed',
    code: 'ERR_NOT_SIGN_IN',
    message: `${organization} uses ${describeIdentity(identity)}; no user signs in to it`,
    hint:
      identity.kind === 'pat'
        ? `replace the token: orgkey login ${organization} --paste`
        : `to sign in as a user: orgkey org add ${organization} --sign-in browser`,
  };
}

/** Returns all identities with the same sign-in: they differ in the method or the client secret only. */
function sharingSignIn(person: SignInIdentity, bindings: Bindings): readonly Identity[] {
  const name = refreshTokenName(person);
  return bindings.all
    .map(({identity}) => identity)
    .filter((identity) => identity.kind === 'sign-in' && refreshTokenName(identity) === name);
}
