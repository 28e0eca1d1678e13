import {clientIdOf, type Identity} from '../identity/identity.ts';
import type {Bindings} from '../identity/bindings.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../token/acquire.ts';
import type {Rejections} from '../token/rejections.ts';
import type {Found, TokenCache} from '../token/token-cache.ts';
import type {Problem} from '../config/configuration.ts';
import type {LogLines} from './log-lines.ts';
import type {Status, TokenResult} from './control-protocol.ts';
import type {ControlHandlers} from './control-server.ts';
import {ownerNamed} from './owner-named.ts';

export interface ControlParts {
  readonly status: () => Status;
  /** Gives what was wrong. */
  readonly reload: () => Promise<readonly Problem[]>;
  readonly bindings: () => Bindings;
  readonly tokens: TokenCache;
  readonly rejections: Pick<Rejections, 'clear'>;
  readonly logLines: LogLines;
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
      const identity = identityOf(organization, parts.bindings());
      const found = 'kind' in identity ? await parts.tokens.get({identity, scope}) : failed(identity);
      const actor = 'kind' in identity ? identity : undefined;
      parts.handedOut({organization, identity: actor, found, duration: parts.now() - start});
      return resultOf(found, actor);
    },
    ...parts.people,
  };
}

/** Who acts there, or why nobody can whose token would be of use. */
function identityOf(organization: string, bindings: Bindings): Identity | Failure {
  const choice = bindings.choose(ownerNamed(organization, bindings));
  if (choice.kind === 'none') return failureFrom('ERR_NOT_CONFIGURED', choice.reason, 'run: orgkey org list');
  const {identity} = choice.binding;
  return identity.kind === 'stored'
    ? failureFrom('ERR_STORED', 'what is stored at the prompt is for git only', undefined)
    : identity;
}

function resultOf(found: Found, identity: Identity | undefined): TokenResult {
  if (found.kind === 'failed') {
    const {code, message, hint} = found.failure;
    return {kind: 'failed', code, message, hint};
  }
  const {kind, secret, expiresAt} = found.token;
  const username = (identity && clientIdOf(identity)) ?? 'orgkey';
  return {kind: 'token', form: kind, token: secret.revealText(), expiresAt, username};
}

function failed(failure: Failure): Found {
  return {kind: 'failed', failure};
}

function failureFrom(code: string, message: string, hint: string | undefined): Failure {
  return {code, message, hint, retryAfter: undefined};
}
