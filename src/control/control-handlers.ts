import {clientIdOf, type Identity} from '../identity/identity.ts';
import type {Binding, Bindings} from '../identity/bindings.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../token/acquire.ts';
import type {Rejections} from '../token/rejections.ts';
import type {Found, TokenCache} from '../token/token-cache.ts';
import type {Problem} from '../config/configuration.ts';
import type {Status, TokenResult} from './control-protocol.ts';
import type {ControlHandlers} from './control-server.ts';
import {ownerNamed} from './owner-named.ts';

/** The last lines of the log. */
export interface LogSource {
  readonly recent: readonly string[];
  follow(follower: (line: string) => void, until: AbortSignal): void;
}

export interface ControlParts {
  readonly status: () => Status;
  /** Gives what was wrong. */
  readonly reload: () => Promise<readonly Problem[]>;
  readonly bindings: () => Bindings;
  readonly tokens: TokenCache;
  readonly rejections: Pick<Rejections, 'clear'>;
  readonly logLines: LogSource;
  readonly metrics: () => string;
  readonly people: Pick<ControlHandlers, 'login' | 'logout'>;
  /** A token left by the control channel, or was refused there. */
  readonly handedOut: (handOut: HandOut) => void;
  /** In milliseconds, from any moment. */
  readonly now: () => number;
}

/** What the audit tells of a token that somebody asked for by the control channel. */
export interface HandOut {
  readonly organization: string;
  /** `undefined`: nobody acts there. */
  readonly identity: Identity | undefined;
  readonly found: Found;
  /** In milliseconds. */
  readonly duration: number;
}

export function createControlHandlers(parts: ControlParts): ControlHandlers {
  return {
    status: async () => parts.status(),
    reload: async () => ({problems: await parts.reload()}),
    async clear() {
      parts.rejections.clear();
      return {dropped: parts.tokens.clear()};
    },
    metrics: async () => ({text: parts.metrics()}),
    async logs({follow}, {tell, gone}) {
      if (follow) parts.logLines.follow((line) => tell({event: 'log', line}), gone);
      return {lines: parts.logLines.recent};
    },
    async token({organization, scope = AZURE_DEVOPS_SCOPE}) {
      const start = parts.now();
      const tell = (found: Found, identity: Identity | undefined) =>
        parts.handedOut({organization, identity, found, duration: parts.now() - start});
      const choice = chooseFor({organization, scope}, parts.bindings());
      if (choice.kind === 'failed') {
        tell(choice, undefined);
        return refusalOf(choice.failure);
      }
      const {identity, host} = choice.binding;
      const found = await parts.tokens.get({identity, scope});
      tell(found, identity);
      if (found.kind === 'failed') return refusalOf(found.failure);
      const {kind: form, secret, expiresAt} = found.token;
      const username = clientIdOf(identity) ?? 'orgkey';
      return {kind: 'token', form, token: secret.revealText(), expiresAt, username, host};
    },
    ...parts.people,
  };
}

type Chosen =
  | {readonly kind: 'chosen'; readonly binding: Binding}
  | {readonly kind: 'failed'; readonly failure: Failure};

/** Who acts there, or why nobody can whose token would be of use. */
function chooseFor(
  {organization, scope}: {readonly organization: string; readonly scope: string},
  bindings: Bindings,
): Chosen {
  const choice = bindings.choose(ownerNamed(organization, bindings));
  if (choice.kind === 'none') return failed('ERR_NOT_CONFIGURED', choice.reason, 'run: orgkey org list');
  const {binding} = choice;
  const {kind} = binding.identity;
  if (kind === 'stored')
    return failed('ERR_STORED', 'what is stored at the prompt is for git only', undefined);
  // it is the same whatever it is asked for, and would be shown to a service that it is not for
  if (kind === 'pat' && scope !== AZURE_DEVOPS_SCOPE)
    return failed(
      'ERR_NO_SUCH_RESOURCE',
      'a personal access token is for Azure DevOps only',
      'leave out --resource, or name an organization whose identity is one of Entra',
    );
  return {kind: 'chosen', binding};
}

function refusalOf({code, message, hint}: Failure): TokenResult {
  return {kind: 'failed', code, message, hint};
}

function failed(code: string, message: string, hint: string | undefined): Chosen {
  return {kind: 'failed', failure: {code, message, hint, retryAfter: undefined}};
}
