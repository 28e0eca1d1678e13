import type {Application, Principal, User} from '../directory.ts';
import {EntraError} from '../entra-errors.ts';
import type {Reply} from '../http-exchange.ts';
import type {Resource} from '../resources.ts';
import type {TokenService} from '../token-service.ts';
import {clientInfo, describeUser, noStore} from './replies.ts';
import {delegatedScope} from './scopes.ts';

/** What a user allowed an application. */
export interface Grant {
  readonly application: Application;
  readonly user: User;
  readonly scope: string;
}

export type CreateRefreshToken = (grant: Grant) => string;

/** Returns the answer to a grant of an application. */
export function tokenReply(
  tokens: TokenService,
  {principal, resource}: {principal: Principal; resource: Resource},
): Reply {
  const {token, expiresIn} = tokens.issue(principal, resource);
  const {refreshIn} = tokens.settings;
  return noStore({
    token_type: 'Bearer',
    expires_in: expiresIn,
    ext_expires_in: expiresIn,
    ...(refreshIn === undefined ? {} : {refresh_in: refreshIn}),
    access_token: token,
  });
}

/** Returns the answer to a grant of a user. */
export function userReply(
  tokens: TokenService,
  {application, user, scope}: Grant,
  {
    form,
    nonce,
    createRefreshToken,
  }: {form: URLSearchParams; nonce?: string | undefined; createRefreshToken: CreateRefreshToken},
): Reply {
  if (user.disabled) throw new EntraError(50057, 'invalid_grant', 'The user account is disabled.');
  if (!application.consented)
    throw new EntraError(
      65001,
      'invalid_grant',
      `The user or administrator has not consented to use the application with ID '${application.clientId}' named '${application.name}'. Send an interactive authorization request for this user and resource.`,
      {suberror: 'consent_required'},
    );
  const {resource, permissions, openid} = delegatedScope(scope);
  const {token, expiresIn} = tokens.issue({...describeUser(user), clientId: application.clientId}, resource, {
    scopes: permissions.includes('.default') ? ['user_impersonation'] : permissions,
  });
  const {refreshIn} = tokens.settings;
  const wantsInfo = form.get('client_info') === '1';
  return noStore({
    token_type: 'Bearer',
    scope: permissions.map((permission) => `${resource.names[0]}/${permission}`).join(' '),
    expires_in: expiresIn,
    ext_expires_in: expiresIn,
    ...(refreshIn === undefined ? {} : {refresh_in: refreshIn}),
    access_token: token,
    ...(openid.includes('offline_access')
      ? {refresh_token: createRefreshToken({application, user, scope})}
      : {}),
    ...(openid.includes('openid') ? {id_token: tokens.idToken(user, application.clientId, nonce)} : {}),
    ...(wantsInfo
      ? {
          client_info: clientInfo(user),
        }
      : {}),
  });
}
