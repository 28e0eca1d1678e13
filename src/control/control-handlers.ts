import {randomUUID} from 'node:crypto';
import type {Problem} from '../config/configuration.ts';
import type {Binding, Bindings} from '../identity/bindings.ts';
import {clientIdOf, type Identity} from '../identity/identity.ts';
import {isoTime} from '../text/iso-time.ts';
import {MAIN_SOCKET} from '../organization/socket-scope.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../token/acquire.ts';
import {askerOf} from '../token/asker.ts';
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
  readonly rejections: Pick<Rejections, 'clear' | 'organizations'>;
  readonly logLines: LogSource;
  readonly metrics: () => string;
  readonly people: Pick<People, 'login' | 'logout' | 'answer'>;
  /** Called before the control channel hands out a token or denies one. Returns why it may not. */
  readonly record: (handOut: HandOut) => Promise<Failure | undefined> | undefined;
  /** Resolves to whether the audit trail is written. */
  readonly flush: () => Promise<boolean>;
  /** Called when a user changed something. */
  readonly changed: (change: Change) => void;
  /** In milliseconds, from any moment. */
  readonly now: () => number;
}

/** What the audit records about a change that a user made over the control channel. */
interface Change {
  readonly event: 'login' | 'logout' | 'clear';
  readonly outcome: string;
  readonly organization?: string;
  /** The account that signed in. */
  readonly identity?: string;
  readonly reason?: string;
  /** How many tokens were dropped. */
  readonly times?: number;
}

/** What the audit records about a token that was requested over the control channel. */
export interface HandOut {
  /** Of the request. */
  readonly id: string;
  readonly organization: string;
  /** `undefined`: no identity is configured for the organization. */
  readonly identity: Identity | undefined;
  readonly found: Found;
  /** In milliseconds. */
  readonly duration: number;
}

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
    const {rejections, tokens, changed} = this.#parts;
    rejections.clear();
    const dropped = tokens.clear();
    changed({event: 'clear', outcome: 'cleared', times: dropped});
    return {dropped};
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
    const {now, bindings, tokens, record} = this.#parts;
    const start = now();
    const id = randomUUID();
    const choice = chooseFor({organization, scope}, bindings());
    if (choice.kind === 'failed') {
      void record({id, organization, identity: undefined, found: choice, duration: now() - start});
      return failedResult(choice.failure);
    }
    const {identity, host} = choice.binding;
    const found = await tokens.get({identity, scope, id});
    const problem = await record({id, organization, identity, found, duration: now() - start});
    if (found.kind === 'failed') return failedResult(found.failure);
    if (problem !== undefined) return failedResult(problem);
    const {kind: form, secret, expiresAt} = found.token;
    const username = clientIdOf(identity) ?? 'orgkey';
    return {kind: 'token', form, token: secret.revealText(), expiresAt: isoTime(expiresAt), username, host};
  }

  async verdict({organization, isAccepted}: Params<'verdict'>): Result<'verdict'> {
    const {bindings, rejections} = this.#parts;
    const owner = ownerNamed(organization, bindings());
    const choice = bindings().choose(owner);
    if (choice.kind === 'none') return {isTaken: false};
    const asker = askerOf({owner, path: undefined}, WHOLE, choice.binding.identity);
    rejections.organizations.tested(asker, isAccepted);
    return {isTaken: true};
  }

  async login(params: Params<'login'>, caller: Caller): Result<'login'> {
    const result = await this.#parts.people.login(params, caller);
    const {organization} = params;
    const event = 'login';
    if (result.kind === 'failed')
      this.#parts.changed({event, outcome: 'failed', organization, reason: result.code});
    else this.#parts.changed({event, outcome: 'signed in', organization, identity: result.account});
    return result;
  }

  async flush(): Result<'flush'> {
    return {isWritten: await this.#parts.flush()};
  }

  async answer(params: Params<'answer'>): Result<'answer'> {
    return {isTaken: this.#parts.people.answer(params)};
  }

  async logout(params: Params<'logout'>): Result<'logout'> {
    const result = await this.#parts.people.logout(params);
    const outcome = result.wasSignedIn ? 'signed out' : 'not signed in';
    this.#parts.changed({event: 'logout', outcome, organization: params.organization});
    return result;
  }
}

const WHOLE = {name: MAIN_SOCKET, organizations: undefined} as const;

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
