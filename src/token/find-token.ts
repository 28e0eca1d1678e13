import type {Failure, Wanted} from './acquire.ts';
import type {Asker, Rejections} from './rejections.ts';
import {sameAgain, type Found, type TokenCache} from './token-cache.ts';

/** The token for one asker. One that was refused to him is replaced, once; then he is told why it did not help. */
export async function findToken(
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections}: {readonly tokens: Pick<TokenCache, 'get' | 'peek'>; readonly rejections: Rejections},
): Promise<Found> {
  if (rejections.isExplained(asker)) return refused;
  const held = tokens.peek(wanted);
  const mustForce = held !== undefined && rejections.isRejected(asker, held.fingerprint);
  if (mustForce && !rejections.mayForce(asker)) return refused;
  const found = await tokens.get(wanted, (fingerprint) => rejections.isRejected(asker, fingerprint));
  if (found.kind === 'token' || found.failure !== sameAgain) return found;
  rejections.giveUp(asker);
  return refused;
}

const notAccepted: Failure = {
  code: 'ERR_NOT_ACCEPTED',
  message: 'Azure DevOps refuses the credential, and a fresh one is refused too or cannot be had',
  hint: 'Add the identity to the organization as a user with at least Basic access and Read on the repository, or replace the personal access token.',
  retryAfter: undefined,
};

const refused: Found = {kind: 'failed', failure: notAccepted};
