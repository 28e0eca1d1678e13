import {actorOf} from '../identity/actor.ts';
import {AZURE_CLI_CLIENT_ID} from '../identity/identity.ts';
import {consentAddress} from '../identity/repair-tenant.ts';
import {isGuid} from '../text/guid.ts';
import type {Explanation} from './explanations.ts';

export interface Repairer {
  readonly kind: string;
  readonly clientId?: string | undefined;
  readonly tenantId?: string | undefined;
}

/**
 * Returns what repairs a code, in words that fit the kind of identity, with the address of the page if there is one.
 * `issuerHost` is the host that rejected the request.
 */
export function repairFor(explanation: Explanation, repairer: Repairer, issuerHost?: string): string {
  const {place, action, actions} = explanation;
  const {kind, clientId} = repairer;
  const actor = actorOf(kind);
  const isPerson = actor === 'person';
  if (place === 'person' && !isPerson)
    return 'Entra asks for a user, but this identity signs in without one: check clientId and tenantId.';
  if (place === 'app' && isPerson && clientId === AZURE_CLI_CLIENT_ID)
    return 'This application belongs to Microsoft: register a public client of your own and set its clientId.';
  const text = actions?.[actor] ?? action;
  // users of the Azure CLI sign in there
  const fitting = kind === 'azure-cli' ? text.replaceAll('orgkey login', 'az login') : text;
  return [fitting, ...linkTo(explanation, repairer, issuerHost)].join(' ');
}

function linkTo(
  {page, place}: Explanation,
  {kind, clientId = '', tenantId = ''}: Repairer,
  issuerHost: string | undefined,
): string[] {
  const actor = actorOf(kind);
  if (page === undefined || (actor !== 'app' && actor !== 'person') || !isGuid(clientId)) return [];
  if (page === 'consent')
    return issuerHost === undefined || !isGuid(tenantId) || clientId === AZURE_CLI_CLIENT_ID
      ? []
      : [`Consent of an admin: ${consentAddress(issuerHost, tenantId, clientId)}`];
  const [name, blade] = PAGES[page] ?? [];
  return place !== 'app' || name === undefined
    ? []
    : [
        `${name}: https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/${blade ?? ''}/appId/${clientId}`,
      ];
}

/** The pages of an app registration: their names, and how addresses name them. */
const PAGES: Readonly<Record<string, readonly [name: string, blade: string]>> = {
  secrets: ['Certificates & secrets', 'Credentials'],
  certificates: ['Certificates & secrets', 'Credentials'],
  federation: ['Federated credentials', 'Credentials'],
  authentication: ['Authentication', 'Authentication'],
  permissions: ['API permissions', 'CallAnAPI'],
};
