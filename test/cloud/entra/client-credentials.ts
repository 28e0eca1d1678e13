import type {Application, Tenant} from '../directory.ts';
import {EntraError} from '../entra-errors.ts';
import type {Exchange, Reply} from '../http-exchange.ts';
import type {TokenService} from '../token-service.ts';
import {tokenReply} from './grants.ts';
import {defaultScopeResource} from './scopes.ts';

/** Answers an application that acts for itself. */
export function redeemClientCredentials(
  {form, record}: Exchange,
  {application, tenant, tokens}: {application: Application; tenant: Tenant | undefined; tokens: TokenService},
): Reply {
  if (!tenant)
    throw new EntraError(
      50059,
      'invalid_request',
      'No tenant-identifying information found in either the request or implied by any provided credentials.',
    );
  const principal = application.principal(tenant);
  record.principal = principal.name;
  return tokenReply(tokens, {principal, resource: defaultScopeResource(form.get('scope'))});
}
