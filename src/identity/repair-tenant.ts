import {clientIdOf, type Identity} from './identity.ts';

/** Returns what repairs an identity of another tenant than the one that the organization is connected to. */
export function repairTenant(identity: Identity, tenant: string): string {
  switch (identity.kind) {
    // fact 8
    case 'managed-identity':
      return `a managed identity works in its own tenant only: use it as the credential of an app in the other (managedIdentityClientId, tenantId: ${tenant})`;
    case 'azure-cli':
      return `az login --tenant ${tenant}\nand set tenantId: ${tenant} in the configuration`;
    case 'sign-in':
      return `sign in to that tenant: tenantId: ${tenant} in the configuration, then orgkey login`;
    case 'azure-pipelines':
      // fact 32
      // its issuer is Entra, which takes assertions for single-tenant apps only
      return `use a service connection of that tenant, with a single-tenant app or a managed identity, and set its serviceConnectionId, clientId and tenantId: ${tenant}`;
    case 'federated-token':
      return `${ofApp(identity, tenant)}; for a token of Azure Pipelines, use a service connection of that tenant instead`;
    default:
      return ofApp(identity, tenant);
  }
}

function ofApp(identity: Identity, tenant: string): string {
  const clientId = clientIdOf(identity);
  const consent =
    clientId === undefined ? '' : `; an admin lets it in: ${consentAddress(PUBLIC_HOST, tenant, clientId)}`;
  return `set tenantId: ${tenant}; the app must be multitenant, and a member of the organization${consent}`;
}

/** Organizations of Azure DevOps Services are in the public cloud. */
const PUBLIC_HOST = 'login.microsoftonline.com';

/** Returns the page on which an admin of a tenant lets an app in. Fact 90. */
export function consentAddress(issuerHost: string, tenant: string, clientId: string): string {
  return `https://${issuerHost}/${tenant}/adminconsent?client_id=${clientId}`;
}
