/**
 * Finds the tenant that an organization is connected to, in lower case, in its challenges to git. For explanations only:
 * never call the address in a challenge.
 */
export function connectedTenant(challenges: readonly string[]): string | undefined {
  for (const challenge of challenges) {
    const [, tenant] = URI.exec(challenge) ?? [];
    if (tenant !== undefined) return tenant.toLowerCase();
  }
  return undefined;
}

/** The tenant in the challenges of organizations without one, whose users have Microsoft accounts. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000';

const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const URI = new RegExp(`^bearer\\s+authorization_uri="?https://[a-z0-9.-]+/(${GUID})"?(?=[,\\s/]|$)`, 'i');
