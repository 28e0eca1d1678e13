import {actorOf} from '../identity/actor.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import type {Credential} from './azure-devops.ts';
import type {Target} from './target.ts';

/** Returns what lets an identity into an organization that gives no reason, with the page for it. */
export function repairAccess({host, organization, identity}: Target, {form, token}: Credential): string {
  const isServer = host !== SERVICES_HOST;
  const base = isServer ? `https://${host}` : `https://${host}/${encodeURIComponent(organization)}`;
  if (form !== 'pat') {
    const isPerson = actorOf(identity?.kind ?? '') === 'person';
    const who = isPerson ? 'open it once in a browser, or have the user added' : 'add the identity';
    return `${who} with access level Basic or higher: ${base}/_settings/users`;
  }
  const renew = `create a new token: ${base}/_usersSettings/tokens`;
  return isServer && TOKEN.test(token)
    ? `${renew}\nif the token is valid, have the administrator of the server turn off Basic authentication in IIS, with which it rejects every token`
    : renew;
}

/** What a personal access token looks like. Facts 51 and 54. */
const TOKEN = /^(?:[a-z0-9]{52}|[A-Za-z0-9]{84})$/;
