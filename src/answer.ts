import {describeIdentity} from './identity/identity.ts';
import type {Bindings, Choice} from './identity/bindings.ts';
import {ownerOf, type Owner} from './organization/owner.ts';
import {describeOwner, isInScope, nameOf, type SocketScope} from './organization/socket-scope.ts';
import type {Answer} from './protocol/answer.ts';
import {carries, credentialFor, refusedBefore} from './protocol/credential.ts';
import type {EraseRequest, GetRequest, StoreRequest} from './protocol/request.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from './token/acquire.ts';
import {findToken} from './token/find-token.ts';
import {placeOf, type Logins} from './token/logins.ts';
import type {Asker, Rejections} from './token/rejections.ts';
import type {TokenCache} from './token/token-cache.ts';

export interface AnswerParts {
  readonly bindings: Bindings;
  readonly tokens: Pick<TokenCache, 'get' | 'peek'>;
  readonly rejections: Rejections;
  readonly logins: Logins;
  /** What git does where an organization that is configured by name fails: stop, or ask its next helper. */
  readonly onFailure: 'quit' | 'pass';
  /** Why there is no configuration in force, if that is so: nobody can be named then. */
  readonly trouble: string | undefined;
}

/** An answer, and how it came about: what the log and the audit tell of it. */
export interface Answered {
  readonly answer: Answer;
  readonly owner: Owner;
  readonly choice?: Chosen;
  readonly source?: 'cache' | 'issuer';
  readonly failure?: Failure;
}

type Chosen = Extract<Choice, {kind: 'chosen'}>;

/** The story: one request of git's, from remote to credential. */
export async function answerGet(
  request: GetRequest,
  scope: SocketScope,
  parts: AnswerParts,
): Promise<Answered> {
  const picked = pick(request, scope, parts);
  if (picked.choice === undefined) return lament(picked, parts.trouble);
  const {owner, choice} = picked;
  const {identity} = choice.binding;
  if (identity.kind === 'stored') return {...picked, answer: recall(request, owner, parts.logins)};

  const asker = askerOf(owner, scope);
  const wanted = {identity, scope: AZURE_DEVOPS_SCOPE};
  const refused = refusedBefore(request);
  // anybody can make up a fingerprint, and a token that is no longer held needs no replacing
  if (refused !== undefined && refused === parts.tokens.peek(wanted)?.fingerprint)
    parts.rejections.reject(asker, refused);
  const found = await findToken(wanted, asker, parts);
  return found.kind === 'failed'
    ? {answer: explain(found.failure, owner, choice, parts.onFailure), owner, choice, failure: found.failure}
    : {answer: credentialFor(request, found, identity), owner, choice, source: found.source};
}

/** Git says that a credential worked, or a person typed one. */
export function answerStore(request: StoreRequest, scope: SocketScope, parts: AnswerParts): Answered {
  const picked = pick(request, scope, parts);
  if (picked.choice === undefined) return picked;
  const {identity} = picked.choice.binding;
  if (identity.kind === 'stored')
    return done(picked, parts.logins.store(placeOf(request.remote, picked.owner), request.login, identity));

  const token = parts.tokens.peek({identity, scope: AZURE_DEVOPS_SCOPE});
  if (token === undefined || !carries(request.login, token))
    return done(picked, 'not the credential that was given');
  parts.rejections.confirm(askerOf(picked.owner, scope), token.fingerprint);
  return done(picked, 'confirmed');
}

/** Git says that the server refused a credential. It counts only if it is the very one that we gave. */
export function answerErase(request: EraseRequest, scope: SocketScope, parts: AnswerParts): Answered {
  const picked = pick(request, scope, parts);
  if (picked.choice === undefined) return picked;
  const {identity} = picked.choice.binding;
  if (identity.kind === 'stored')
    return done(picked, parts.logins.erase(placeOf(request.remote, picked.owner), request.login));

  const token = parts.tokens.peek({identity, scope: AZURE_DEVOPS_SCOPE});
  if (token === undefined || !carries(request.login, token))
    return done(picked, 'not the credential that was given');
  parts.rejections.reject(askerOf(picked.owner, scope), token.fingerprint);
  return done(picked, 'rejected');
}

/** Whose repository it is and which identity acts there; no choice where git had better ask its next helper. */
function pick(
  {remote}: {readonly remote: GetRequest['remote']},
  scope: SocketScope,
  {bindings}: AnswerParts,
): Answered {
  const owner = ownerOf(remote, bindings.isServer);
  if (!isInScope(owner, scope)) return pass(owner, `outside the scope of the socket ${scope.name}`);
  const choice = bindings.choose(owner);
  if (choice.kind === 'none') return pass(owner, choice.reason);
  if (choice.binding.identity.kind === 'stored' && scope.organizations !== undefined) {
    return pass(owner, 'stored logins are not served over scoped sockets');
  }
  return {answer: {kind: 'pass', reason: 'not asked further'}, owner, choice};
}

function recall({remote, announced}: GetRequest, owner: Owner, logins: Logins): Answer {
  const login = logins.find(placeOf(remote, owner));
  if (login === undefined) return {kind: 'pass', reason: 'nothing is stored yet'};
  if (login.credential === undefined || announced.authtype) return {kind: 'login', login};
  // who did not announce that he takes a header would ask for it without end
  return login.password === undefined
    ? {kind: 'pass', reason: 'what is stored is a header, for a newer git'}
    : {kind: 'login', login: {...login, authtype: undefined, credential: undefined}};
}

/** Says what failed, why, and what repairs it. A fallback that fails is no reason to stop git. */
function explain(failure: Failure, owner: Owner, choice: Chosen, onFailure: 'quit' | 'pass'): Answer {
  const who = `${describeOwner(owner)}: ${describeIdentity(choice.binding.identity)}`;
  const hint = failure.hint === undefined ? [] : [failure.hint];
  return {
    kind: 'failure',
    errors: [`${who}: ${failure.message} (${failure.code})`],
    hints: [...hint, `run: orgkey doctor ${argumentFor(owner)}`.trimEnd()],
    quit: choice.by === 'name' && onFailure === 'quit',
  };
}

/** Without a configuration nobody is named, so git goes on to its next helper; but it says why we had nothing. */
function lament(picked: Answered, trouble: string | undefined): Answered {
  if (trouble === undefined || (picked.owner.kind !== 'organization' && picked.owner.kind !== 'unnamed'))
    return picked;
  const hints = ['run: orgkey config check'];
  return {
    ...picked,
    answer: {kind: 'failure', errors: [`no configuration is in force: ${trouble}`], hints, quit: false},
  };
}

/** The hint is there to be copied into a shell: a name that means something there is left out. */
function argumentFor(owner: Owner): string {
  const name = nameOf(owner) ?? '';
  return /^[A-Za-z0-9_][\w.-]*$/.test(name) ? name : '';
}

function askerOf(owner: Owner, scope: SocketScope): Asker {
  return {socket: scope.name, scoped: scope.organizations !== undefined, owner: describeOwner(owner)};
}

function pass(owner: Owner, reason: string): Answered {
  return {answer: {kind: 'pass', reason}, owner};
}

function done(picked: Answered, reason: string): Answered {
  return {...picked, answer: {kind: 'done', reason}};
}
