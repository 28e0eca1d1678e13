import type {Answer} from '../protocol/answer.ts';
import {carries} from './credential.ts';
import type {EraseRequest, StoreRequest} from '../protocol/request.ts';
import type {Failure, Wanted} from '../token/acquire.ts';
import {notAccepted, type FindTokenParts} from '../token/find-token.ts';
import type {Asker} from '../token/rejections.ts';

/** What was heard; or why no further token would help, which is the moment to say so. */
type Judged = Extract<Answer, {kind: 'done'}> | {readonly kind: 'failed'; readonly failure: Failure};

/**
 * Git tells what became of a credential: it worked (`store`), or the server refused it (`erase`). It counts only if
 * it is the very one that we gave.
 */
export function judgeToken(
  {operation, login}: StoreRequest | EraseRequest,
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections}: FindTokenParts,
): Judged {
  const token = tokens.peek(wanted);
  if (token === undefined || !carries(login, token))
    return {kind: 'done', reason: 'not the credential that was given'};
  if (operation === 'store') {
    rejections.confirm(asker, token.fingerprint);
    return {kind: 'done', reason: 'confirmed'};
  }
  rejections.reject(asker, token.fingerprint);
  return rejections.isExplained(asker)
    ? {kind: 'failed', failure: notAccepted}
    : {kind: 'done', reason: 'rejected'};
}
