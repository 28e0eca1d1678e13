import {clientIdOf} from '../identity/identity.ts';
import type {Bindings} from '../identity/bindings.ts';
import {AZURE_DEVOPS_SCOPE} from '../token/acquire.ts';
import type {TokenCache} from '../token/token-cache.ts';
import type {Problem} from '../config/configuration.ts';
import type {LogLines} from './log-lines.ts';
import type {Status, TokenParams, TokenResult} from './control-protocol.ts';
import type {ControlHandlers} from './control-server.ts';
import {ownerNamed} from './owner-named.ts';

export interface ControlParts {
  readonly status: () => Status;
  /** Gives what was wrong. */
  readonly reload: () => Promise<readonly Problem[]>;
  readonly bindings: () => Bindings;
  readonly tokens: TokenCache;
  readonly logLines: LogLines;
  readonly metrics: () => string;
  readonly people: Pick<ControlHandlers, 'login' | 'logout'>;
  /** A token left by the control channel. */
  readonly handedOut: (params: TokenParams, result: TokenResult) => void;
}

export function createControlHandlers(parts: ControlParts): ControlHandlers {
  return {
    status: async () => parts.status(),
    reload: async () => ({problems: await parts.reload()}),
    clear: async () => ({dropped: parts.tokens.clear()}),
    metrics: async () => ({text: parts.metrics()}),
    async logs({follow}, {tell, gone}) {
      if (follow) parts.logLines.follow((line) => tell({event: 'log', line}), gone);
      return {lines: parts.logLines.recent};
    },
    async token(params) {
      const result = await tokenFor(params, parts);
      parts.handedOut(params, result);
      return result;
    },
    ...parts.people,
  };
}

async function tokenFor(
  {organization, scope = AZURE_DEVOPS_SCOPE}: TokenParams,
  parts: ControlParts,
): Promise<TokenResult> {
  const choice = parts.bindings().choose(ownerNamed(organization, parts.bindings()));
  if (choice.kind === 'none') {
    return {kind: 'failed', code: 'ERR_NOT_CONFIGURED', message: choice.reason, hint: 'run: orgkey org list'};
  }
  const {identity} = choice.binding;
  if (identity.kind === 'stored') {
    return {
      kind: 'failed',
      code: 'ERR_STORED',
      message: 'what is stored at the prompt is for git only',
      hint: undefined,
    };
  }
  const found = await parts.tokens.get({identity, scope});
  if (found.kind === 'failed') {
    const {code, message, hint} = found.failure;
    return {kind: 'failed', code, message, hint};
  }
  return {
    kind: 'token',
    form: found.token.kind,
    token: found.token.secret.revealText(),
    expiresAt: found.token.expiresAt,
    username: clientIdOf(identity) ?? 'orgkey',
  };
}
