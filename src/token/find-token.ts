import type {Failure, Wanted} from './acquire.ts';
import type {Asker, Rejections} from './rejections.ts';
import {sameAgain} from './cache-failures.ts';
import type {Found, TokenCache} from './token-cache.ts';

export interface FindTokenParts {
  readonly tokens: Pick<TokenCache, 'get' | 'peek'>;
  readonly rejections: Rejections;
}

/**
 * Returns the token for one asker. A rejected one is replaced once; after that the failure is explained. `rejectedNow`
 * is the fingerprint of the token that was rejected just now, according to the client.
 */
export async function findToken(
  wanted: Wanted,
  asker: Asker,
  rejectedNow: string | undefined,
  parts: FindTokenParts,
): Promise<Found> {
  const {tokens, rejections} = parts;
  // a client can make up a fingerprint, and a token that is no longer held need not be replaced
  if (rejectedNow !== undefined && rejectedNow === tokens.peek(wanted)?.fingerprint)
    rejections.reject(asker, rejectedNow);
  const isExplained = rejections.isExplained(asker);
  // an issuer always has another access token; a personal access token may have been replaced at its source
  if (isExplained && wanted.identity.kind !== 'pat') return explained;
  const found = await replaceRejected(wanted, asker, parts);
  if (found.kind === 'token') {
    if (isExplained) rejections.startAfresh(asker);
    return found;
  }
  if (rejections.forgive(asker)) return tokens.get(wanted);
  if (found.failure !== sameAgain) return found;
  rejections.giveUp(asker);
  return explained;
}

/** Returns another token in place of a rejected one, or any token if none was rejected. */
async function replaceRejected(
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections}: FindTokenParts,
): Promise<Found> {
  const isRejected = (fingerprint: string) => rejections.isRejected(asker, fingerprint);
  const held = tokens.peek(wanted)?.fingerprint;
  if (held === undefined || !isRejected(held)) return tokens.get(wanted, isRejected);
  if (!rejections.startForcing(asker, held)) return explained;
  try {
    return await tokens.get(wanted, isRejected);
  } finally {
    rejections.endForcing(asker, held);
  }
}

/** The code if Azure DevOps rejects a credential. */
export const NOT_ACCEPTED = 'ERR_NOT_ACCEPTED';

export const notAccepted: Failure = {
  code: NOT_ACCEPTED,
  message: 'Azure DevOps rejects the credential, and a fresh one is rejected too or cannot be acquired',
  hint: 'Add the identity to the organization as a user with at least Basic access and Read on the repository, or replace the personal access token.',
  retryAfter: undefined,
};

const explained: Found = {kind: 'failed', failure: notAccepted};
