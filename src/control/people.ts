import type {Bindings} from '../identity/bindings.ts';
import type {Identity} from '../identity/identity.ts';
import {refreshTokenName} from '../entra/sign-in/refresh-tokens.ts';
import type {SignInEvent, SignedIn} from '../entra/sign-in/sign-in.ts';
import {AZURE_DEVOPS_SCOPE} from '../token/acquire.ts';
import type {Rejections} from '../token/rejections.ts';
import type {TokenCache} from '../token/token-cache.ts';
import type {ControlEvent} from './control-protocol.ts';
import type {ControlHandlers} from './control-server.ts';
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

/** Signing people in and out, as the command line asks for it. */
export function createPeople(parts: PeopleParts): Pick<ControlHandlers, 'login' | 'logout'> {
  const forgetTokensOf = (person: SignInIdentity) => {
    const identities = sharingSignIn(person, parts.bindings());
    parts.tokens.drop(identities);
    parts.rejections.forget(identities);
  };
  return {
    async login({organization}, {tell, gone}) {
      const identity = signInOf(organization, parts.bindings());
      if (identity === undefined) return notSignIn;
      const signedIn = await parts.signIn(identity, {
        onEvent: (event) => tell(controlEventFrom(event)),
        signal: gone,
      });
      if (signedIn.kind === 'failed') {
        const {code, message, hint} = signedIn.failure;
        return {kind: 'failed', code, message, hint};
      }
      // what failed for want of a sign-in is no reason to wait any more
      forgetTokensOf(identity);
      const found = await parts.tokens.get({identity, scope: AZURE_DEVOPS_SCOPE});
      const expiresAt = found.kind === 'token' ? found.token.expiresAt : undefined;
      return {kind: 'signed-in', account: signedIn.username ?? organization, expiresAt};
    },
    async logout({organization}) {
      const identity = signInOf(organization, parts.bindings());
      if (identity === undefined) return {wasSignedIn: false};
      const wasSignedIn = await parts.isSignedIn(identity);
      await parts.signOut(identity);
      forgetTokensOf(identity);
      return {wasSignedIn};
    },
  };
}

const notSignIn = {
  kind: 'failed',
  code: 'ERR_NOT_SIGN_IN',
  message: 'its identity is not one that people sign in with',
  hint: 'give it signIn: browser or signIn: device-code in the configuration',
} as const;

function signInOf(organization: string, bindings: Bindings): SignInIdentity | undefined {
  const choice = bindings.choose(ownerNamed(organization, bindings));
  if (choice.kind === 'none') return undefined;
  const {identity} = choice.binding;
  return identity.kind === 'sign-in' ? identity : undefined;
}

/** Who refreshes with the same sign-in: with another method or client secret it is another identity. */
function sharingSignIn(person: SignInIdentity, bindings: Bindings): readonly Identity[] {
  const name = refreshTokenName(person);
  return bindings.all
    .map(({identity}) => identity)
    .filter((identity) => identity.kind === 'sign-in' && refreshTokenName(identity) === name);
}

function controlEventFrom(event: SignInEvent): ControlEvent {
  if (event.kind === 'open') return {event: 'login', openUrl: event.url};
  return {event: 'login', deviceCode: {url: event.verificationUri, code: event.userCode}};
}
