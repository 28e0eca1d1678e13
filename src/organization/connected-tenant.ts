/**
 * The tenant that an organization is connected to, in lower case, as its challenges to git tell it; `undefined` where
 * they tell none. It is for explanations only: nothing is ever asked at the address in it.
 */
export function connectedTenant(challenges: readonly string[]): string | undefined {
  for (const challenge of challenges) {
    const [, tenant] = URI.exec(challenge) ?? [];
    if (tenant !== undefined) return tenant.toLowerCase();
  }
  return undefined;
}

/** What organizations without a tenant tell: their people have Microsoft accounts. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000';

const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const URI = new RegExp(`^bearer\\s+authorization_uri="?https://[a-z0-9.-]+/(${GUID})"?(?=[,\\s/]|$)`, 'i');
