import {clientIdOf, describeIdentity} from './identity/identity.ts';
import type {Binding, Bindings, Choice} from './identity/bindings.ts';
import {ownerOf, type Owner} from './organization/owner.ts';
import {describeOwner, isInScope, nameOf, type SocketScope} from './organization/socket-scope.ts';
import type {Answer} from './protocol/answer.ts';
import type {EraseRequest, GetRequest, StoreRequest} from './protocol/request.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from './token/acquire.ts';
import type {Asker, Rejections} from './token/rejections.ts';
import {sameAgain, type Found, type TokenCache} from './token/token-cache.ts';
import type {Token} from './token/token.ts';
import type {Logins} from './token/logins.ts';

export interface AnswerParts {
  readonly bindings: Bindings;
  readonly tokens: Pick<TokenCache, 'get' | 'peek'>;
  readonly rejections: Rejections;
  readonly logins: Logins;
  /** What git does where a configured organization fails: stop with the reason, or ask its next helper. */
  readonly onFailure: 'quit' | 'pass';
}

/** An answer, and how it came about: what the log and the audit tell of it. */
export interface Answered {
  readonly answer: Answer;
  readonly owner: Owner;
  readonly choice: Choice | undefined;
  readonly source: 'cache' | 'issuer' | undefined;
  /** The code of the failure, if it is one. */
  readonly code: string | undefined;
}

/** One request of git's, from remote to credential. */
export async function answerGet(
  request: GetRequest,
  scope: SocketScope,
  parts: AnswerParts,
): Promise<Answered> {
  const owner = ownerOf(request.remote, parts.bindings.isServer);
  if (!isInScope(owner, scope)) return passed(owner, `outside the scope of the socket ${scope.name}`);
  const choice = parts.bindings.choose(owner);
  if (choice.kind === 'none') return passed(owner, choice.reason);
  const {identity} = choice.binding;
  if (identity.kind === 'stored') return recalled(request, owner, choice, scope, parts);

  const asker = askerOf(owner, scope);
  const refused = statedIn(request.states);
  if (refused !== undefined && request.again) parts.rejections.reject(asker, refused);
  const found = await findToken(choice.binding, asker, parts);
  if (found.kind === 'failed') return failed(owner, choice, found.failure, parts);

  const {token, source} = found;
  return {
    answer: {
      kind: 'credential',
      token,
      username: usernameFor(request, choice.binding),
      authtype: request.announced.authtype,
      state: mayAskAgain(request, source) ? `${STATE}${token.fingerprint}` : undefined,
    },
    owner,
    choice,
    source,
    code: undefined,
  };
}

/** Git says that the credential worked, or a person typed one. */
export function answerStore(request: StoreRequest, scope: SocketScope, parts: AnswerParts): Answered {
  return heard(request, scope, parts, (owner, {identity}, token) => {
    if (identity.kind === 'stored') return parts.logins.store(request.remote, request.login, identity);
    if (token && carries(request.login, token))
      parts.rejections.confirm(askerOf(owner, scope), token.fingerprint);
    return 'confirmed';
  });
}

/** Git says that the server refused a credential. It counts only if it is the very one that we gave. */
export function answerErase(request: EraseRequest, scope: SocketScope, parts: AnswerParts): Answered {
  return heard(request, scope, parts, (owner, {identity}, token) => {
    if (identity.kind === 'stored') return parts.logins.erase(request.remote, request.login);
    if (token === undefined || !carries(request.login, token)) return 'not the credential that was given';
    parts.rejections.reject(askerOf(owner, scope), token.fingerprint);
    return 'rejected';
  });
}

/** The token for the asker; one that it had refused is replaced, once. */
async function findToken(
  {identity}: Binding,
  asker: Asker,
  {tokens, rejections}: AnswerParts,
): Promise<Found> {
  const wanted = {identity, scope: AZURE_DEVOPS_SCOPE};
  if (rejections.isExplained(asker)) return {kind: 'failed', failure: notAccepted};
  const held = tokens.peek(wanted);
  const force = held !== undefined && rejections.isRejected(asker, held.fingerprint);
  if (force && !rejections.mayForce(asker)) return {kind: 'failed', failure: notAccepted};
  const found = await tokens.get(wanted, (fingerprint) => rejections.isRejected(asker, fingerprint));
  if (found.kind === 'token' || found.failure !== sameAgain) return found;
  rejections.giveUp(asker);
  return {kind: 'failed', failure: notAccepted};
}

function recalled(
  {remote}: GetRequest,
  owner: Owner,
  choice: Choice,
  scope: SocketScope,
  {logins}: AnswerParts,
): Answered {
  if (scope.organizations !== undefined)
    return passed(owner, 'stored logins are not served over scoped sockets');
  const login = logins.find(remote);
  return login === undefined
    ? passed(owner, 'nothing is stored yet')
    : {answer: {kind: 'login', login}, owner, choice, source: 'cache', code: undefined};
}

function heard(
  {remote}: StoreRequest | EraseRequest,
  scope: SocketScope,
  {bindings, tokens}: AnswerParts,
  act: (owner: Owner, binding: Binding, token: Token | undefined) => string,
): Answered {
  const owner = ownerOf(remote, bindings.isServer);
  if (!isInScope(owner, scope)) return passed(owner, `outside the scope of the socket ${scope.name}`);
  const choice = bindings.choose(owner);
  if (choice.kind === 'none') return passed(owner, choice.reason);
  const {binding} = choice;
  if (binding.identity.kind === 'stored' && scope.organizations !== undefined) {
    return passed(owner, 'logins are not stored over scoped sockets');
  }
  const token = tokens.peek({identity: binding.identity, scope: AZURE_DEVOPS_SCOPE});
  return {
    answer: {kind: 'done', reason: act(owner, binding, token)},
    owner,
    choice,
    source: undefined,
    code: undefined,
  };
}

function passed(owner: Owner, reason: string): Answered {
  return {answer: {kind: 'pass', reason}, owner, choice: undefined, source: undefined, code: undefined};
}

/** Says what failed, why, and what repairs it; stops git only for an organization that is configured by name. */
function failed(
  owner: Owner,
  choice: Extract<Choice, {kind: 'chosen'}>,
  failure: Failure,
  parts: AnswerParts,
): Answered {
  const whose = describeOwner(owner);
  const hints = failure.hint === undefined ? [] : [failure.hint];
  const answer: Answer = {
    kind: 'failure',
    errors: [`${whose}: ${describeIdentity(choice.binding.identity)}: ${failure.message} (${failure.code})`],
    hints: [...hints, `run: orgkey doctor ${nameOf(owner) ?? ''}`.trimEnd()],
    quit: choice.by === 'name' && parts.onFailure === 'quit',
  };
  return {answer, owner, choice, source: undefined, code: failure.code};
}

const notAccepted: Failure = {
  code: 'ERR_NOT_ACCEPTED',
  message: 'Azure DevOps refuses the credential, and a fresh one is refused too or cannot be had',
  hint: 'Add the identity to the organization as a user with at least Basic access and Read on the repository, or replace the personal access token.',
  retryAfter: undefined,
};

const STATE = 'orgkey.1.';

/** Git asks again, unseen, only if the first credential may be stale, and only once: its own retries have no bound. */
function mayAskAgain({announced, again, states}: GetRequest, source: 'cache' | 'issuer'): boolean {
  return source === 'cache' && announced.authtype && announced.state && !again && states.length === 0;
}

function statedIn(states: readonly string[]): string | undefined {
  const ours = states.find((state) => state.startsWith(STATE))?.slice(STATE.length);
  return ours !== undefined && /^[0-9a-f]{16}$/.test(ours) ? ours : undefined;
}

function askerOf(owner: Owner, scope: SocketScope): Asker {
  return {socket: scope.name, scoped: scope.organizations !== undefined, owner: describeOwner(owner)};
}

/** The one that git sent; a colon would end it early in a Basic header. */
function usernameFor({remote}: GetRequest, {identity}: Binding): string {
  const sent = remote.username;
  return sent !== undefined && sent !== '' && !sent.includes(':') ? sent : (clientIdOf(identity) ?? 'orgkey');
}

/** Whether what git stores or erases is this token, as a password or inside an Authorization header. */
function carries({password, credential, authtype}: EraseRequest['login'], token: Token): boolean {
  if (password !== undefined) return token.secret.equals(password);
  if (credential === undefined) return false;
  return authtype?.toLowerCase() === 'basic'
    ? token.secret.equals(passwordOf(credential))
    : token.secret.equals(credential);
}

/** The password of a Basic header's pair; empty where it is none. */
function passwordOf(pair: Uint8Array): Uint8Array {
  const text = String.fromCharCode(...pair);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return new Uint8Array();
  const decoded = Uint8Array.from(atob(text.slice(0, text.length - (text.length % 4))), (character) =>
    character.charCodeAt(0),
  );
  return decoded.subarray(decoded.indexOf(0x3a) + 1);
}
