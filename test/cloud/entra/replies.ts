import type {Application, Principal, User} from '../directory.ts';
import {EntraError} from '../entra-errors.ts';
import type {Reply} from '../http-exchange.ts';
import {messagePage} from '../sign-in-pages.ts';

export function missing(parameter: string): EntraError {
  return new EntraError(
    900144,
    'invalid_request',
    `The request body must contain the following parameter: '${parameter}'.`,
  );
}

export function notMultitenant({clientId, name}: Application): string {
  return `Application '${clientId}'(${name}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.`;
}

export function errorPage(message: string): Reply {
  return html(messagePage('Sorry, but we’re having trouble signing you in.', message), 400);
}

export function html(page: string, status = 200): Reply {
  return {status, headers: {'content-type': 'text/html; charset=utf-8'}, body: page};
}

export function noStore(body: object): Reply {
  return {status: 200, headers: {'cache-control': 'no-store, no-cache', pragma: 'no-cache'}, body};
}

export function describeUser({kind, objectId, tenant, name, userPrincipalName}: User): Principal {
  return {kind, objectId, tenant, name, userPrincipalName};
}

/** Returns the `client_info` of an answer: who signed in, in base64url. */
export function clientInfo({objectId, tenant}: User): string {
  return Buffer.from(JSON.stringify({uid: objectId, utid: tenant.id})).toString('base64url');
}
