import type {Failure, Wanted} from './acquire.ts';
import type {Asker, Rejections} from './rejections.ts';
import {sameAgain, type Found, type TokenCache} from './token-cache.ts';

export interface FindTokenParts {
  readonly tokens: Pick<TokenCache, 'get' | 'peek'>;
  readonly rejections: Rejections;
}

/**
 * The token for one asker. One that was refused to him is replaced, once; then he is told why it did not help.
 * `refusedNow`: the fingerprint of the token that he says was refused just now.
 */
export async function findToken(
  wanted: Wanted,
  asker: Asker,
  refusedNow: string | undefined,
  parts: FindTokenParts,
): Promise<Found> {
  const {tokens, rejections} = parts;
  // anybody can make up a fingerprint, and a token that is no longer held needs no replacing
  if (refusedNow !== undefined && refusedNow === tokens.peek(wanted)?.fingerprint)
    rejections.reject(asker, refusedNow);
  const isExplained = rejections.isExplained(asker);
  // where access tokens come from there is always another one; of personal access tokens only if it was replaced
  if (isExplained && wanted.identity.kind !== 'pat') return refused;
  const found = await replaceRefused(wanted, asker, parts);
  if (found.kind === 'token') {
    if (isExplained) rejections.startAfresh(asker);
    return found;
  }
  if (rejections.forgive(asker)) return tokens.get(wanted);
  if (found.failure !== sameAgain) return found;
  rejections.giveUp(asker);
  return refused;
}

/** Another token in place of one that was refused; where there is no such one, whatever there is. */
async function replaceRefused(
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections}: FindTokenParts,
): Promise<Found> {
  const isRejected = (fingerprint: string) => rejections.isRejected(asker, fingerprint);
  const held = tokens.peek(wanted)?.fingerprint;
  if (held === undefined || !isRejected(held)) return tokens.get(wanted, isRejected);
  if (!rejections.startForcing(asker, held)) return refused;
  try {
    return await tokens.get(wanted, isRejected);
  } finally {
    rejections.endForcing(asker, held);
  }
}

/** Of a credential that Azure DevOps refuses, whatever the issuer says. */
export const NOT_ACCEPTED = 'ERR_NOT_ACCEPTED';

export const notAccepted: Failure = {
  code: NOT_ACCEPTED,
  message: 'Azure DevOps refuses the credential, and a fresh one is refused too or cannot be had',
  hint: 'Add the identity to the organization as a user with at least Basic access and Read on the repository, or replace the personal access token.',
  retryAfter: undefined,
};

const refused: Found = {kind: 'failed', failure: notAccepted};
