import type {Answer} from '../protocol/answer.ts';
import {carries} from './credential.ts';
import type {EraseRequest, StoreRequest} from '../protocol/request.ts';
import type {Failure, Wanted} from '../token/acquire.ts';
import {reportedRejection, type FindTokenParts} from '../token/find-token.ts';
import type {Asker} from '../token/asker.ts';

/** The request was handled, or the user must know that the credential was rejected. */
type Judged = Extract<Answer, {kind: 'done'}> | {readonly kind: 'failed'; readonly failure: Failure};

/**
 * Notes whether a credential worked (`store`) or the server rejected it (`erase`). Ignores credentials that are not the
 * current token.
 */
export function judgeToken(
  {operation, login}: StoreRequest | EraseRequest,
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections}: Pick<FindTokenParts, 'tokens' | 'rejections'>,
): Judged {
  const token = tokens.peek(wanted);
  if (token === undefined || !carries(login, token))
    return {kind: 'done', reason: 'not the credential that was given'};
  if (operation === 'store') {
    rejections.confirm(asker, token.fingerprint);
    return {kind: 'done', reason: 'confirmed'};
  }
  rejections.reject(asker, token.fingerprint);
  return {kind: 'failed', failure: reportedRejection};
}
