import type {Bindings, Choice} from '../identity/bindings.ts';
import {ownerOf, type Owner} from '../organization/owner.ts';
import {isInScope, type SocketScope} from '../organization/socket-scope.ts';
import type {Answer} from '../protocol/answer.ts';
import {configuredUrl} from './configured-url.ts';
import {credentialFor, rejectedBefore} from './credential.ts';
import {doubtToken} from './doubt-token.ts';
import {explainAbsence, explainFailure} from './explain.ts';
import {isFromTool, type EraseRequest, type GetRequest, type StoreRequest} from '../protocol/request.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../token/acquire.ts';
import {answerFromLogins} from './answer-from-logins.ts';
import {findToken} from '../token/find-token.ts';
import {judgeToken} from './judge-token.ts';
import type {Logins} from '../login/logins.ts';
import {askerOf} from '../token/asker.ts';
import type {Rejections} from '../token/rejections.ts';
import type {Verdict} from '../token/organization-rejections.ts';
import type {TokenCache} from '../token/token-cache.ts';
import type {Token} from '../token/token.ts';

export interface RejectedPlace {
  readonly owner: Owner;
  /** With the port, if git sent one. */
  readonly host: string;
  /** The path of the request, decoded once. */
  readonly path: string | undefined;
}

export interface AnswerParts {
  readonly bindings: Bindings;
  readonly tokens: Pick<TokenCache, 'get' | 'peek'>;
  readonly rejections: Rejections;
  /** Asks Azure DevOps about a token that a client reported as rejected for this place. Does not reject. */
  readonly verify: (place: RejectedPlace, token: Token) => Promise<Verdict>;
  readonly logins: Logins;
  /** What git does if an organization that is configured by name fails: stop, or ask its next helper. */
  readonly onFailure: 'quit' | 'pass';
  /** Why no configuration is in force, if that is so. No organization is known then. */
  readonly reasonForNone: string | undefined;
  /** Of the request. A token request that it causes gets the same. */
  readonly id?: string | undefined;
}

/** An answer, and what the log and the audit record about it. */
export interface Answered {
  readonly answer: Answer;
  readonly owner: Owner;
  readonly choice?: Extract<Choice, {kind: 'chosen'}>;
  readonly source?: 'cache' | 'issuer';
  readonly failure?: Failure;
}

/** The story of one request of git: remote, owner, identity, token, answer. */
export async function answer(
  request: GetRequest | StoreRequest | EraseRequest,
  scope: SocketScope,
  parts: AnswerParts,
): Promise<Answered> {
  const owner = ownerOf(request.remote, parts.bindings.serversAt, isFromTool(request) ? 'all' : 'of git');
  if (!isInScope(owner, scope)) return {owner, answer: pass(`outside the scope of the socket ${scope.name}`)};
  const choice = parts.bindings.choose(owner);
  if (choice.kind === 'none') {
    const circumstances = {...parts, explains: asksForReasons(request, scope)};
    return {owner, answer: explainAbsence(choice.reason, owner, circumstances)};
  }

  const {identity} = choice.binding;
  if (identity.kind === 'stored') {
    const isServed = scope.organizations === undefined && !isFromTool(request);
    if (!isServed) return {owner, answer: pass('no stored logins for tools and over scoped sockets')};
    return {owner, choice, answer: await answerFromLogins(request, owner, identity, parts.logins)};
  }

  if (identity.kind === 'unusable' && request.operation !== 'get')
    return {owner, choice, answer: pass(identity.failure.message)};
  const wanted = {identity, scope: AZURE_DEVOPS_SCOPE, id: parts.id};
  const asker = askerOf({owner, path: request.remote.path}, scope, identity);
  const failed = (failure: Failure): Answered => {
    const circumstances = {owner, choice, onFailure: parts.onFailure};
    return {owner, choice, failure, answer: explainFailure(failure, request, circumstances)};
  };
  if (identity.kind === 'unusable') return failed(identity.failure);
  if (request.operation !== 'get') {
    const judged = judgeToken(request, wanted, asker, parts);
    return judged.kind === 'failed' ? failed(judged.failure) : {owner, choice, answer: judged};
  }
  const finding = {...parts, verify: (token: Token) => parts.verify({owner, ...request.remote}, token)};
  const rejected = isFromTool(request) ? await doubtToken(wanted, asker, finding) : rejectedBefore(request);
  const found = await findToken(wanted, asker, rejected, finding);
  if (found.kind === 'failed') return failed(found.failure);
  if (isFromTool(request)) parts.rejections.handOuts.note(asker, found.token.fingerprint);
  const url = configuredUrl(request.remote, owner, choice.binding.organizations);
  const handed = {...found, isSettled: parts.rejections.isSettled(asker), url};
  return {owner, choice, source: found.source, answer: credentialFor(request, handed, identity)};
}

/** A scoped socket does not say which organizations it leaves out. */
function asksForReasons(request: GetRequest | StoreRequest | EraseRequest, scope: SocketScope): boolean {
  return request.operation === 'get' && request.explains === true && scope.organizations === undefined;
}

function pass(reason: string): Answer {
  return {kind: 'pass', reason};
}
