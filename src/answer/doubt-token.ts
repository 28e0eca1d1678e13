import type {Wanted} from '../token/acquire.ts';
import type {Asker} from '../token/asker.ts';
import type {FindTokenParts} from '../token/find-token.ts';

/**
 * Returns the fingerprint of the token in memory if Azure DevOps no longer accepts it. A tool cannot report that its
 * token was refused: it only asks again. Then Azure DevOps is asked, now and then.
 */
export async function doubtToken(
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections, verify}: FindTokenParts,
): Promise<string | undefined> {
  const token = tokens.peek(wanted);
  if (token === undefined || !rejections.handOuts.isDoubtful(asker, token.fingerprint)) return undefined;
  if (!rejections.organizations.mayVerify(asker)) return undefined;
  const verdict = await verify(token);
  return verdict === 'rejected' || verdict === 'ended' ? token.fingerprint : undefined;
}
