import type {Answer} from '../protocol/answer.ts';
import {carries} from '../protocol/credential.ts';
import type {EraseRequest, StoreRequest} from '../protocol/request.ts';
import type {Wanted} from './acquire.ts';
import type {FindTokenParts} from './find-token.ts';
import type {Asker} from './rejections.ts';

/**
 * Git tells what became of a credential: it worked (`store`), or the server refused it (`erase`). It counts only if
 * it is the very one that we gave.
 */
export function judgeToken(
  {operation, login}: StoreRequest | EraseRequest,
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections}: FindTokenParts,
): Answer {
  const token = tokens.peek(wanted);
  if (token === undefined || !carries(login, token))
    return {kind: 'done', reason: 'not the credential that was given'};
  if (operation === 'store') {
    rejections.confirm(asker, token.fingerprint);
    return {kind: 'done', reason: 'confirmed'};
  }
  rejections.reject(asker, token.fingerprint);
  return {kind: 'done', reason: 'rejected'};
}
