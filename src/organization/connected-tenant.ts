import {readChallenges} from './challenges.ts';

/**
 * Finds the tenant that an organization of Azure DevOps Services is connected to, in lower case, in its challenges. For
 * explanations only: never call the address in a challenge. `undefined`: they do not say.
 * Facts 38 to 40.
 */
export function connectedTenant(headers: readonly string[]): string | undefined {
  const challenges = readChallenges(headers);
  const bearers = challenges.filter(({scheme}) => scheme === 'bearer');
  for (const {parameters} of bearers) {
    const [, tenant] = URI.exec(parameters.get('authorization_uri') ?? '') ?? [];
    if (tenant !== undefined) return tenant.toLowerCase();
  }
  // fact 42
  // an organization of Microsoft accounts names no authority
  const isBare = bearers.length > 0 && bearers.every(({parameters}) => parameters.size === 0);
  return isBare && challenges.some(({scheme}) => scheme === 'tfs-federated') ? NO_TENANT : undefined;
}

/** The tenant of organizations without one, whose users have Microsoft accounts; in headers of REST only. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000';

const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const URI = new RegExp(`^https://[a-z0-9.-]+/(${GUID})(?=/|$)`, 'i');

/**
 * Returns why the server wants another token for the same user, in its words; empty if it gives no words.
 * Fact 88.
 */
export function claimsChallenge(headers: readonly string[]): string | undefined {
  const found = readChallenges(headers).find(
    ({scheme, parameters}) => scheme === 'bearer' && parameters.get('error') === 'insufficient_claims',
  );
  return found === undefined ? undefined : (found.parameters.get('error_description') ?? '');
}
