import type {Owner} from '../organization/owner.ts';
import type {Answer} from '../protocol/answer.ts';
import type {EraseRequest, GetRequest, StoreRequest} from '../protocol/request.ts';
import {placeOf, type Logins} from '../login/logins.ts';

/** Finds, keeps or drops a login that a user typed at git's prompt. */
export async function answerFromLogins(
  request: GetRequest | StoreRequest | EraseRequest,
  owner: Owner,
  kept: {readonly persist: boolean},
  logins: Logins,
): Promise<Answer> {
  const place = placeOf(request.remote, owner);
  switch (request.operation) {
    case 'get':
      return recall(request, logins.find(place));
    case 'store':
      return {kind: 'done', reason: await logins.store(place, request.login, kept)};
    case 'erase':
      return {kind: 'done', reason: await logins.erase(place, request.login)};
  }
}

function recall({announced}: GetRequest, login: ReturnType<Logins['find']>): Answer {
  if (login === undefined) return {kind: 'pass', reason: 'nothing is stored yet'};
  if (login.credential === undefined || announced.authtype) return {kind: 'login', login};
  // a git that reads no header would ask again and again
  return login.password === undefined
    ? {kind: 'pass', reason: 'what is stored is a header, for a newer git'}
    : {kind: 'login', login: {...login, authtype: undefined, credential: undefined}};
}
