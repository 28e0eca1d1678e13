import type {Principal} from './directory.ts';
import type {Exchange} from './http-exchange.ts';
import {timeClaim} from './jwt.ts';
import type {Organization, Pat} from './organizations.ts';
import type {Authorization} from './records.ts';
import {azureDevOps} from './resources.ts';
import type {TokenService} from './token-service.ts';

/** The id that Azure DevOps shows for a caller that it does not know. */
export const anonymous = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa';

/** Who sent a request, as far as an organization is concerned. */
export type Caller =
  | {readonly kind: 'anonymous'}
  | {readonly kind: 'principal'; readonly principal: Principal; readonly name: string}
  | {readonly kind: 'pat'; readonly pat: Pat; readonly name: string}
  | {readonly kind: 'refused'; readonly reason: string; readonly message: string};

function ownerOf(pat: Pat, tokens: TokenService): Caller {
  if (tokens.isRevoked(pat.value))
    return {kind: 'refused', reason: 'revoked', message: notAuthorized(anonymous)};
  if (pat.expired)
    return {
      kind: 'refused',
      reason: 'expired',
      message: 'Access Denied: The Personal Access Token used has expired.',
    };
  return {kind: 'pat', pat, name: pat.user};
}

/** Returns who sent a request with this authorization. */
export function identify(
  organization: Organization,
  authorization: Authorization | undefined,
  tokens: TokenService,
): Caller {
  const isServer = !organization.url.startsWith('https://dev.azure.com/');
  const {scheme = '', username = '', secret: password = ''} = authorization ?? {};
  // fact 93
  const isUsername = password === '' && !isServer && organization.pat(username) !== undefined;
  const secret = isUsername ? username : password;
  if (secret === '') return {kind: 'anonymous'};
  if (scheme !== 'basic' && scheme !== 'bearer')
    return {kind: 'refused', reason: 'scheme', message: notAuthorized(anonymous)};
  const pat = scheme === 'basic' ? organization.pat(secret) : undefined;
  if (pat) return ownerOf(pat, tokens);
  if (isServer) return {kind: 'refused', reason: 'unknown', message: notAuthorized(anonymous)};
  const verdict = tokens.verify(secret, azureDevOps);
  if (verdict.kind === 'refused')
    return {kind: 'refused', reason: verdict.reason, message: notAuthorized(anonymous)};
  const {principal} = verdict;
  const ended = organization.endedTokens;
  if (ended !== undefined && timeClaim(verdict.claims, 'nbf') < ended.at)
    return {kind: 'refused', reason: 'ended by a policy', message: notAuthorized(principal.objectId)};
  if (organization.membership(principal)) return {kind: 'principal', principal, name: principal.name};
  if (principal.tenant !== organization.tenant)
    return {kind: 'refused', reason: 'other tenant', message: notAuthorized(principal.objectId)};
  const {id} = principal.tenant;
  return {
    kind: 'refused',
    reason: 'not a member',
    message: `TF401444: Please sign-in at least once as ${id}\\${id}\\${principal.userPrincipalName ?? principal.objectId} in a web browser to enable access to the service.`,
  };
}

/** Notes in the record of a request who sent it. */
export function note(record: Exchange['record'], caller: Caller): void {
  switch (caller.kind) {
    case 'principal':
    case 'pat':
      record.principal = caller.name;
      return;
    case 'refused':
      record.refusal = caller.reason;
      return;
    case 'anonymous':
      return;
    default:
      return caller;
  }
}

export function hasScope(pat: Pat, wanted: RegExp): boolean {
  return pat.scopes.some((scope) => scope === 'app_token' || wanted.test(scope));
}

export function notAuthorized(who: string): string {
  return `TF400813: The user '${who}' is not authorized to access this resource.`;
}
