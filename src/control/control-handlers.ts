import type {Problem} from '../config/configuration.ts';
import type {Binding, Bindings} from '../identity/bindings.ts';
import {clientIdOf, type Identity} from '../identity/identity.ts';
import {isoTime} from '../text/iso-time.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../token/acquire.ts';
import type {Rejections} from '../token/rejections.ts';
import type {Found, TokenCache} from '../token/token-cache.ts';
import type {
  Caller,
  ControlCalls,
  Handlers,
  Params,
  Result,
  Status,
  TokenResult,
} from './control-protocol.ts';
import {notConfigured} from './not-configured.ts';
import {ownerNamed} from './owner-named.ts';
import type {People} from './people.ts';

/** The last lines of the log, and those to come. */
interface LogSource {
  readonly recent: readonly string[];
  follow(follower: (line: string) => void, until: AbortSignal): void;
}

interface ControlParts {
  readonly status: () => Status;
  /** Returns the problems of a configuration that was not taken. */
  readonly reload: () => Promise<readonly Problem[]>;
  readonly bindings: () => Bindings;
  readonly tokens: Pick<TokenCache, 'get' | 'clear'>;
  readonly rejections: Pick<Rejections, 'clear'>;
  readonly logLines: LogSource;
  readonly metrics: () => string;
  readonly people: Pick<People, 'login' | 'logout'>;
  /** Called when the control channel hands out a token or denies one. */
  readonly handedOut: (handOut: HandOut) => void;
  /** In milliseconds, from any moment. */
  readonly now: () => number;
}

/** What the audit records about a token that was requested over the control channel. */
export interface HandOut {
  readonly organization: string;
  /** `undefined`: no identity is configured for the organization. */
  readonly identity: Identity | undefined;
  readonly found: Found;
  /** In milliseconds. */
  readonly duration: number;
}

/** What the daemon does for each call. */
export class ControlHandlers implements Handlers {
  readonly #parts: ControlParts;

  constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  async status(): Result<'status'> {
    return this.#parts.status();
  }

  async reload(): Result<'reload'> {
    return {problems: await this.#parts.reload()};
  }

  async ping(): Result<'ping'> {
    return {pid: process.pid};
  }

  async clear(): Result<'clear'> {
    this.#parts.rejections.clear();
    return {dropped: this.#parts.tokens.clear()};
  }

  async metrics(): Result<'metrics'> {
    return {text: this.#parts.metrics()};
  }

  async logs({follow}: Params<'logs'>, {send, gone}: Caller): Result<'logs'> {
    const {logLines} = this.#parts;
    if (follow) logLines.follow((line) => send({event: 'log', line}), gone);
    return {lines: logLines.recent};
  }

  async token({organization, scope = AZURE_DEVOPS_SCOPE}: Params<'token'>): Result<'token'> {
    const {now, bindings, tokens, handedOut} = this.#parts;
    const start = now();
    const choice = chooseFor({organization, scope}, bindings());
    if (choice.kind === 'failed') {
      handedOut({organization, identity: undefined, found: choice, duration: now() - start});
      return failedResult(choice.failure);
    }
    const {identity, host} = choice.binding;
    const found = await tokens.get({identity, scope});
    handedOut({organization, identity, found, duration: now() - start});
    if (found.kind === 'failed') return failedResult(found.failure);
    const {kind: form, secret, expiresAt} = found.token;
    const username = clientIdOf(identity) ?? 'orgkey';
    return {kind: 'token', form, token: secret.revealText(), expiresAt: isoTime(expiresAt), username, host};
  }

  async login(params: Params<'login'>, caller: Caller): Result<'login'> {
    return this.#parts.people.login(params, caller);
  }

  async logout(params: Params<'logout'>): Result<'logout'> {
    return this.#parts.people.logout(params);
  }
}

type Chosen =
  | {readonly kind: 'chosen'; readonly binding: Binding}
  | {readonly kind: 'failed'; readonly failure: Failure};

/** Returns the binding of the organization, or why it has no token for this scope. */
function chooseFor(
  {organization, scope}: ControlCalls['token']['params'] & {readonly scope: string},
  bindings: Bindings,
): Chosen {
  const choice = bindings.choose(ownerNamed(organization, bindings));
  if (choice.kind === 'none') {
    const {code, message, hint} = notConfigured(organization, bindings);
    return failed(code, message, hint);
  }
  const {binding} = choice;
  const {kind} = binding.identity;
  if (binding.identity.kind === 'unusable') {
    const {code, message, hint} = binding.identity.failure;
    return failed(code, message, hint);
  }
  if (kind === 'stored')
    return failed('ERR_STORED', 'a login that was typed at the prompt is for git only', undefined);
  // a personal access token is the same for every scope, and would be shown to a service that it is not for
  if (kind === 'pat' && scope !== AZURE_DEVOPS_SCOPE)
    return failed(
      'ERR_NO_SUCH_RESOURCE',
      'a personal access token is for Azure DevOps only',
      'omit --resource, or name an organization with an Entra identity',
    );
  return {kind: 'chosen', binding};
}

function failedResult({code, message, hint}: Failure): TokenResult {
  return {kind: 'failed', code, message, hint};
}

function failed(code: string, message: string, hint: string | undefined): Chosen {
  return {kind: 'failed', failure: {code, message, hint}};
}
