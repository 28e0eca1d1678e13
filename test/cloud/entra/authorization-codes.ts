import {createHash, randomUUID} from 'node:crypto';
import type {Application, Directory, Tenant, User} from '../directory.ts';
import {EntraError} from '../entra-errors.ts';
import type {Exchange, Reply} from '../http-exchange.ts';
import {createCode} from '../secrets.ts';
import {accountPage, formPostPage, messagePage} from '../sign-in-pages.ts';
import type {TokenService} from '../token-service.ts';
import {sharedTenants} from './discovery.ts';
import {userReply, type CreateRefreshToken, type Grant} from './grants.ts';
import {clientInfo, errorPage, html, notMultitenant} from './replies.ts';
import {delegatedScope} from './scopes.ts';

interface Code extends Grant {
  readonly redirectUri: string;
  readonly challenge: string | undefined;
  readonly challengeMethod: string | undefined;
  readonly nonce: string | undefined;
  isUsed: boolean;
}

/** The grant `authorization_code`, and the pages on which a user signs in. */
export class AuthorizationCodes {
  /** Signs in at once as this user. */
  autoSignIn: User | undefined;
  readonly #directory: Directory;
  readonly #tokens: TokenService;
  readonly #createRefreshToken: CreateRefreshToken;
  readonly #codes = new Map<string, Code>();

  constructor({
    directory,
    tokens,
    createRefreshToken,
  }: {
    directory: Directory;
    tokens: TokenService;
    createRefreshToken: CreateRefreshToken;
  }) {
    this.#directory = directory;
    this.#tokens = tokens;
    this.#createRefreshToken = createRefreshToken;
  }

  authorize(tenantName: string, query: URLSearchParams): Reply {
    const problem = this.#authorizeProblem(tenantName, query);
    if (problem) return problem;
    if (this.autoSignIn) return this.#finish(query, this.autoSignIn);
    return html(
      accountPage({tenant: tenantName, users: usersOf(this.#directory, tenantName), request: query}),
    );
  }

  /** Answers the form of the sign-in page. */
  signIn(tenantName: string, form: URLSearchParams): Reply {
    const query = new URLSearchParams(form.get('request') ?? '');
    const problem = this.#authorizeProblem(tenantName, query);
    if (problem) return problem;
    if (form.get('action') === 'cancel')
      return redirect(query, {
        error: 'access_denied',
        error_subcode: 'cancel',
        error_description: 'AADSTS65004: User declined to consent to access the app.',
      });
    const user = this.#directory.user(form.get('account') ?? '');
    if (!user || !usersOf(this.#directory, tenantName).includes(user))
      return html(
        messagePage(
          'We couldn’t find an account with that username.',
          'AADSTS50034: The user account does not exist in the directory.',
        ),
        400,
      );
    return this.#finish(query, user);
  }

  redeem({form, record}: Exchange, application: Application): Reply {
    const code = this.#codes.get(form.get('code') ?? '');
    if (!code || code.application !== application)
      throw new EntraError(70000, 'invalid_grant', `Provided grant is invalid or malformed.`);
    record.principal = code.user.name;
    if (code.isUsed)
      throw new EntraError(
        54005,
        'invalid_grant',
        `OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.`,
      );
    if (form.get('redirect_uri') !== code.redirectUri)
      throw new EntraError(
        500112,
        'invalid_grant',
        `The reply address '${form.get('redirect_uri') ?? ''}' does not match the reply address '${code.redirectUri}' provided when requesting Authorization code.`,
      );
    checkVerifier(code, form.get('code_verifier'));
    code.isUsed = true;
    return userReply(
      this.#tokens,
      {...code, scope: form.get('scope') ?? code.scope},
      {form, nonce: code.nonce, createRefreshToken: this.#createRefreshToken},
    );
  }

  /** Mistakes in the request are shown, and never sent to an address that is not registered. */
  #authorizeProblem(tenantName: string, query: URLSearchParams): Reply | undefined {
    const tenant = sharedTenants.includes(tenantName) ? undefined : this.#directory.tenant(tenantName);
    if (!tenant && !sharedTenants.includes(tenantName))
      return errorPage(`AADSTS90002: Tenant '${tenantName}' not found.`);
    const application = this.#directory.application(query.get('client_id') ?? '');
    if (!application || (tenant && !application.isKnownIn(tenant)))
      return errorPage(
        `AADSTS700016: Application with identifier '${query.get('client_id') ?? ''}' was not found in the directory.`,
      );
    if (!tenant && !application.isMultitenant)
      return errorPage(`AADSTS50194: ${notMultitenant(application)}`);
    const redirectUri = query.get('redirect_uri') ?? '';
    if (!application.redirectUris.some((registered) => isSameRedirect(registered, redirectUri)))
      return errorPage(
        `AADSTS50011: The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${application.clientId}'.`,
      );
    if (query.get('response_type') !== 'code')
      return redirect(query, {
        error: 'unsupported_response_type',
        error_description: 'AADSTS700054: only code is supported.',
      });
    if (!application.consented)
      return redirect(query, {
        error: 'consent_required',
        error_description: `AADSTS65001: The user or administrator has not consented to use the application with ID '${application.clientId}'.`,
      });
    try {
      delegatedScope(query.get('scope') ?? '');
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      return redirect(query, {
        error: error.error,
        error_description: `AADSTS${error.number}: ${error.message}`,
      });
    }
    return undefined;
  }

  #finish(query: URLSearchParams, user: User): Reply {
    if (user.disabled)
      return html(
        messagePage('Your account has been locked.', 'AADSTS50057: The user account is disabled.'),
        400,
      );
    const application = this.#directory.application(query.get('client_id') ?? '');
    if (!application) throw new Error('the application was checked before');
    const code = createCode();
    this.#codes.set(code, {
      application,
      user,
      scope: query.get('scope') ?? '',
      redirectUri: query.get('redirect_uri') ?? '',
      challenge: query.get('code_challenge') ?? undefined,
      challengeMethod: query.get('code_challenge_method') ?? undefined,
      nonce: query.get('nonce') ?? undefined,
      isUsed: false,
    });
    return redirect(query, {
      code,
      ...(query.get('client_info') === '1' ? {client_info: clientInfo(user)} : {}),
      session_state: randomUUID(),
    });
  }
}

/** Returns the users who may sign in at that tenant, or at a name that tenants share. */
export function usersOf(directory: Directory, tenantName: string): readonly User[] {
  const tenants: readonly Tenant[] = sharedTenants.includes(tenantName)
    ? directory.tenants
    : directory.tenants.filter((tenant) => tenant === directory.tenant(tenantName));
  return tenants.flatMap(({users}) => users);
}

function checkVerifier(code: Code, verifier: string | null): void {
  if (code.challenge === undefined) {
    if (code.application.isPublic)
      throw new EntraError(
        501481,
        'invalid_grant',
        'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
      );
    return;
  }
  const derived =
    code.challengeMethod === 'S256'
      ? createHash('sha256')
          .update(verifier ?? '')
          .digest('base64url')
      : (verifier ?? '');
  if (derived !== code.challenge)
    throw new EntraError(
      501481,
      'invalid_grant',
      'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
    );
}

/** `http://localhost` matches any port, as at Entra for installed programs. */
function isSameRedirect(registered: string, asked: string): boolean {
  if (registered === asked) return true;
  const known = URL.parse(registered);
  const wanted = URL.parse(asked);
  if (!known || !wanted || known.protocol !== 'http:' || wanted.protocol !== 'http:') return false;
  const isLoopback = known.hostname === 'localhost' || known.hostname === '127.0.0.1';
  return isLoopback && known.hostname === wanted.hostname && known.pathname === wanted.pathname;
}

function redirect(query: URLSearchParams, values: Record<string, string>): Reply {
  const state = query.get('state');
  const fields = {...values, ...(state === null ? {} : {state})};
  const address = query.get('redirect_uri') ?? '';
  switch (query.get('response_mode')) {
    case 'form_post':
      return html(formPostPage(address, fields));
    case 'fragment':
      return {status: 302, headers: {location: `${address}#${new URLSearchParams(fields).toString()}`}};
    default:
      return {
        status: 302,
        headers: {
          location: `${address}${address.includes('?') ? '&' : '?'}${new URLSearchParams(fields).toString()}`,
        },
      };
  }
}
