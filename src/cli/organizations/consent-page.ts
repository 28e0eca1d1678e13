import {tenantOf, type Identity} from '../../identity/identity.ts';

/**
 * Adds the page where an administrator admits an application to its tenant, if that is what is missing.
 * @see https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
 */
export function addConsentPage(
  repair: string | undefined,
  code: string,
  identity: Identity | undefined,
): string | undefined {
  if (!NOT_ADMITTED.has(code) || identity === undefined || !('clientId' in identity)) return repair;
  const {clientId} = identity;
  const tenant =
    tenantOf(identity) ?? /\/([^/]+)\/v2\.0$/.exec('issuer' in identity ? identity.issuer : '')?.[1];
  if (clientId === 'system-assigned') return repair;
  const page = `https://login.microsoftonline.com/${tenant ?? 'organizations'}/adminconsent?client_id=${clientId}`;
  return `${repair ?? ''} An administrator admits the application at ${page}`.trim();
}

/** The application is unknown in the tenant, or consent is missing. */
const NOT_ADMITTED: ReadonlySet<string> = new Set(['AADSTS700016', 'AADSTS65001', 'AADSTS7000229']);
