import {claimsChallenge} from '../organization/connected-tenant.ts';
import {actorOf} from './actor.ts';

/** The code if a policy of the tenant ended a token before its time. */
export const CLAIMS_CHALLENGE = 'ERR_CLAIMS_CHALLENGE';

/**
 * Explains a challenge of continuous access evaluation: a policy ended the token, and membership is not the reason.
 * Texts are half sentences; the server's words are not made printable. `undefined`: they hold no such challenge.
 */
export function explainClaimsChallenge(
  headers: readonly string[],
  kind: string,
): {readonly message: string; readonly repair: string} | undefined {
  const words = claimsChallenge(headers);
  if (words === undefined) return undefined;
  return {
    message: `a policy of the tenant ended this token${words === '' ? '' : `: ${words}`}`,
    repair: repairClaims(kind),
  };
}

/** Returns what repairs an identity whose tokens a policy ends. */
export function repairClaims(kind: string): string {
  return actorOf(kind) === 'person'
    ? `sign in again: ${kind === 'azure-cli' ? 'az login' : 'orgkey login'}`
    : 'have an admin of the tenant read the sign-in logs of the identity: its place, its risk or a policy is the reason, not its membership';
}
