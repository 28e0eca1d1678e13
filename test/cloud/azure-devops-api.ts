import {randomUUID} from 'node:crypto';
import {artifactFeed} from './feeds/artifact-feed.ts';
import {challenge, htmlReply, problem, signInFirst, type Site} from './azure-devops-replies.ts';
import {anonymous, hasScope, identify, notAuthorized, note, type Caller} from './caller.ts';
import type {Exchange, Reply} from './http-exchange.ts';
import {isSame, type Organization} from './organizations.ts';
import type {TokenService} from './token-service.ts';

/** Answers `_apis/connectionData`: who the caller is. */
export function connectionData(site: Site, exchange: Exchange, tokens: TokenService): Reply {
  const {organization} = site;
  const caller = identify(organization, exchange.authorization, tokens);
  note(exchange.record, caller);
  if (caller.kind === 'anonymous' || caller.kind === 'refused') return signInFirst(site, exchange, caller);
  const user = describeUser(organization, caller);
  return {
    status: 200,
    headers: {'x-vss-resourcetenant': organization.tenantId},
    body: {
      authenticatedUser: user,
      authorizedUser: user,
      instanceId: organization.id,
      deploymentId: randomUUID(),
      deploymentType: site.server ? 'onPremises' : 'hosted',
      locationServiceData: {
        serviceOwner: '00025394-6065-48ca-87d9-7f5672854ef7',
        defaultAccessMappingMoniker: 'PublicAccessMapping',
        lastChangeId: 1,
      },
    },
  };
}

/** Answers the other addresses: lists of projects and repositories, and pages. */
export function restApi(
  site: Site,
  rest: readonly string[],
  exchange: Exchange,
  tokens: TokenService,
): Reply {
  const {organization} = site;
  const caller = identify(organization, exchange.authorization, tokens);
  note(exchange.record, caller);
  if (caller.kind === 'anonymous' || caller.kind === 'refused') return signInFirst(site, exchange, caller);
  const path = rest.join('/').toLowerCase();
  const projects = [...new Set(organization.repositories.map(({project}) => project))];
  if (path === '_apis/projects')
    return {
      status: 200,
      body: {
        count: projects.length,
        value: projects.map((name) => ({name, state: 'wellFormed', visibility: 'private'})),
      },
    };
  if (path.endsWith('_apis/git/repositories')) {
    const shown = organization.repositories.filter(
      ({project}) => rest[0] === '_apis' || isSame(project, rest[0] ?? ''),
    );
    return {
      status: 200,
      body: {
        count: shown.length,
        value: shown.map(({name, project, url}) => ({name, project: {name: project}, remoteUrl: url})),
      },
    };
  }
  if (rest[0] === '_apis')
    return {
      status: 404,
      body: problem(
        `VS800075: The project with id '${path}' does not exist, or you do not have permission to access it.`,
        'ProjectDoesNotExistException',
      ),
    };
  return htmlReply(200, organization.name, organization.name);
}

/** Answers a feed of packages. */
export function packageFeed(
  site: Site,
  rest: readonly string[],
  exchange: Exchange,
  tokens: TokenService,
): Reply {
  const {organization} = site;
  const caller = identify(organization, exchange.authorization, tokens);
  note(exchange.record, caller);
  const allowed =
    caller.kind === 'principal' || (caller.kind === 'pat' && hasScope(caller.pat, /^vso\.packaging/));
  if (!allowed) {
    const message = caller.kind === 'refused' ? caller.message : notAuthorized(anonymous);
    return {
      status: 401,
      headers: challenge(site),
      body: problem(message, 'UnauthorizedRequestException'),
    };
  }
  const isChange = exchange.method !== 'GET' && exchange.method !== 'HEAD';
  if (isChange && caller.kind === 'pat' && !hasScope(caller.pat, /^vso\.packaging_(?:write|manage)$/))
    return {
      status: 403,
      body: problem(notAuthorized(caller.name), 'UnauthorizedRequestException'),
    };
  return artifactFeed(organization, rest, exchange);
}

function describeUser(organization: Organization, caller: Caller & {kind: 'principal' | 'pat'}): object {
  if (caller.kind === 'pat')
    return {
      id: organization.id,
      descriptor: `Microsoft.IdentityModel.Claims.ClaimsIdentity;${organization.tenantId}\\${caller.name}`,
      subjectDescriptor: `aad.${Buffer.from(caller.name).toString('base64url')}`,
      providerDisplayName: caller.name,
      isActive: true,
      properties: {Account: {$type: 'System.String', $value: caller.name}},
      resourceVersion: 2,
      metaTypeId: 0,
    };
  const {principal} = caller;
  const isUser = principal.kind === 'user';
  const type = isUser
    ? 'Microsoft.IdentityModel.Claims.ClaimsIdentity'
    : 'Microsoft.VisualStudio.Services.Claims.AadServicePrincipal';
  return {
    id: principal.objectId,
    descriptor: `${type};${principal.tenant.id}\\${principal.userPrincipalName ?? principal.objectId}`,
    subjectDescriptor: `${isUser ? 'aad' : 'aadsp'}.${Buffer.from(principal.objectId).toString('base64url')}`,
    providerDisplayName: principal.name,
    isActive: true,
    properties: {
      Account: {$type: 'System.String', $value: principal.userPrincipalName ?? principal.clientId ?? ''},
    },
    resourceVersion: 2,
    metaTypeId: isUser ? 0 : 2,
  };
}
