import {refreshTokenName} from '../entra/sign-in/refresh-tokens.ts';
import type {SignInEvent, SignedIn} from '../entra/sign-in/sign-in.ts';
import type {Bindings} from '../identity/bindings.ts';
import {describeIdentity, type Identity} from '../identity/identity.ts';
import {isoTime} from '../text/iso-time.ts';
import {notConfigured} from './not-configured.ts';
import {printable} from '../text/printable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../token/acquire.ts';
import type {Rejections} from '../token/rejections.ts';
import type {TokenCache} from '../token/token-cache.ts';
import type {Caller, Params, Result} from './control-protocol.ts';
import {ownerNamed} from './owner-named.ts';
import {Questions} from './questions.ts';

type SignInIdentity = Extract<Identity, {kind: 'sign-in'}>;

export interface PeopleParts {
  readonly bindings: () => Bindings;
  readonly tokens: Pick<TokenCache, 'get' | 'drop'>;
  readonly rejections: Pick<Rejections, 'forget'>;
  readonly signIn: (
    identity: SignInIdentity,
    how: {
      readonly onEvent: (event: SignInEvent) => void;
      readonly object: (username: string | undefined) => Promise<Failure | undefined>;
      readonly signal: AbortSignal;
    },
  ) => Promise<SignedIn>;
  /** Who signed in last. `undefined`: no user did, or the issuer named none. */
  readonly knownAccount: (identity: SignInIdentity) => Promise<string | undefined>;
  readonly keepAccount: (identity: SignInIdentity, account: string) => Promise<void>;
  readonly signOut: (identity: SignInIdentity) => Promise<void>;
  readonly isSignedIn: (identity: SignInIdentity) => Promise<boolean>;
}

/** Signs people in and out for the command line. */
export class People {
  readonly #parts: PeopleParts;
  readonly #questions = new Questions();

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  async login(params: Params<'login'>, caller: Caller): Result<'login'> {
    const {organization, method} = params;
    const bindings = this.#parts.bindings();
    const choice = bindings.choose(ownerNamed(organization, bindings));
    if (choice.kind === 'none') return {kind: 'failed', ...notConfigured(organization, bindings)};
    const {identity} = choice.binding;
    if (identity.kind !== 'sign-in') return notSignIn(organization, identity);
    // both methods store the same sign-in
    const signedIn = await this.#parts.signIn(method === undefined ? identity : {...identity, method}, {
      onEvent: caller.send,
      object: (username) => this.#objectTo(username, identity, params, caller),
      signal: caller.gone,
    });
    if (signedIn.kind === 'failed') {
      const {code, message, hint} = signedIn.failure;
      return {kind: 'failed', code, message, hint};
    }
    if (signedIn.username !== undefined) await this.#parts.keepAccount(identity, signedIn.username);
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

  answer(params: Params<'answer'>): boolean {
    return this.#questions.answer(params);
  }

  /** Returns why the user who signed in may not replace the one who is known. */
  async #objectTo(
    username: string | undefined,
    identity: SignInIdentity,
    {account: wanted, isInteractive}: Params<'login'>,
    caller: Caller,
  ): Promise<Failure | undefined> {
    const account = username ?? 'a user without a name';
    if (wanted !== undefined) return isSame(wanted, username) ? undefined : notTheOneWanted(account, wanted);
    const known = await this.#parts.knownAccount(identity);
    if (known === undefined || isSame(known, username)) return undefined;
    const mayReplace = isInteractive === true && (await this.#questions.ask(caller, {account, known}));
    return mayReplace ? undefined : otherAccount(account, known);
  }

  #forgetTokensOf(person: SignInIdentity): void {
    const identities = sharingSignIn(person, this.#parts.bindings());
    this.#parts.tokens.drop(identities);
    this.#parts.rejections.forget(identities);
  }
}

function isSame(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase();
}

function otherAccount(account: string, known: string): Failure {
  return {
    code: 'ERR_OTHER_ACCOUNT',
    message: `signed in as ${account}, and not kept: until now it was ${known}`,
    hint: `to replace it: orgkey login --account ${shellWord(account)}`,
  };
}

function notTheOneWanted(account: string, wanted: string): Failure {
  return {
    code: 'ERR_OTHER_ACCOUNT',
    message: `signed in as ${account}, and not kept: ${printable(wanted, 200)} was expected`,
    hint: `choose the other account in the browser: orgkey login --account ${shellWord(wanted)}`,
  };
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
