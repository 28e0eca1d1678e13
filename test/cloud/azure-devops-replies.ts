import {randomUUID} from 'node:crypto';
import {anonymous, notAuthorized, type Caller} from './caller.ts';
import type {Exchange, Reply, Route} from './http-exchange.ts';
import type {Organization} from './organizations.ts';

/** The organization and host that a request arrived at. */
export interface Site {
  readonly organization: Organization;
  readonly host: string;
  /** Set if the host is a server on premises. */
  readonly server: {readonly negotiate: boolean} | undefined;
}

const htmlHeaders = {'content-type': 'text/html; charset=utf-8'} as const;

/** Returns the answer to a git client that is not let in. */
export function unauthorized(site: Site, message: string): Reply {
  const {unauthenticated} = site.organization;
  if (unauthenticated === 203 || unauthenticated === 302) return signInPage(site, unauthenticated);
  return {
    ...htmlReply(401, 'Access Denied', message),
    headers: {
      ...htmlHeaders,
      ...challenge(site),
      'x-tfs-serviceerror': encodeURIComponent(message),
    },
  };
}

/** REST and pages lead a caller that is not signed in to the sign-in page, unless it asks for a plain error. */
export function signInFirst(
  site: Site,
  {record, request}: Exchange,
  caller: Caller & {kind: 'anonymous' | 'refused'},
): Reply {
  const suppress = request.headers['x-tfs-fedauthredirect']?.toString().toLowerCase() === 'suppress';
  const message = caller.kind === 'refused' ? caller.message : notAuthorized(anonymous);
  const {organization, server} = site;
  const isStranger = message.startsWith('TF401444');
  const real = suppress || server !== undefined || isStranger ? 401 : caller.kind === 'refused' ? 203 : 302;
  const status = organization.unauthenticated === 'real' ? real : organization.unauthenticated;
  record.refusal = caller.kind === 'refused' ? caller.reason : 'anonymous';
  return status === 401
    ? {
        status: 401,
        headers: challenge(site),
        body: problem(message, 'UnauthorizedRequestException'),
      }
    : signInPage(site, status);
}

function signInPage(site: Site, status: 203 | 302): Reply {
  const {organization, host} = site;
  const replyTo = encodeURIComponent(`https://${host}/${organization.name}`);
  const location = `https://spsprodweu1.vssps.visualstudio.com/_signin?realm=${host}&reply_to=${replyTo}`;
  return {
    ...htmlReply(status, 'Azure DevOps Services | Sign In', 'Sign in'),
    headers: {
      ...htmlHeaders,
      ...challenge(site),
      ...(status === 302 ? {location} : {}),
    },
  };
}

/** Returns the headers of a request that must be authorized. */
export function challenge({organization, host, server}: Site): Record<string, string | readonly string[]> {
  const activity = randomUUID();
  // fact 43
  const common = {
    'x-tfs-processid': randomUUID(),
    activityid: activity,
    'x-tfs-session': activity,
    'x-vss-e2eid': activity,
    'x-content-type-options': 'nosniff',
    p3p: 'CP="CAO DSP COR ADMa DEV CONo TELo CUR PSA PSD TAI IVDo OUR SAMi BUS DEM NAV STA UNI COM INT PHY ONL FIN PUR LOC CNT"',
  };
  // fact 44
  if (server)
    return {
      ...common,
      'www-authenticate': [
        ...(server.negotiate ? ['Negotiate', 'NTLM'] : []),
        `Basic realm="https://${host}/"`,
      ],
    };
  const signIn = 'https://spsprodweu1.vssps.visualstudio.com/_signin';
  return {
    ...common,
    'www-authenticate': [
      bearerChallenge(organization),
      'Basic realm="https://tfsprodweu.app.visualstudio.com/"',
      'TFS-Federated',
    ],
    'x-vss-resourcetenant': organization.tenantId,
    'x-vss-authorizationendpoint': `https://vssps.dev.azure.com/${organization.name}/`,
    'x-tfs-fedauthrealm': 'https://tfsprodweu.app.visualstudio.com/',
    'x-tfs-fedauthissuer': `${signIn}?realm=${host}&reply_to=${encodeURIComponent(`https://${host}/`)}`,
  };
}

/** facts 38, 42 and 88 */
function bearerChallenge({tenant, endedTokens}: Organization): string {
  if (tenant === undefined) return 'Bearer';
  const authority = `https://login.microsoftonline.com/${tenant.id}`;
  if (endedTokens === undefined) return `Bearer authorization_uri=${authority}`;
  const claims = JSON.stringify({
    access_token: {nbf: {essential: true, value: String(Math.floor(endedTokens.at / 1000))}},
  });
  return `Bearer realm="", authorization_uri="${authority}/oauth2/authorize", error="insufficient_claims", error_description="${endedTokens.reason}", claims="${Buffer.from(claims).toString('base64')}"`;
}

/** For a caller above its limits. Fact 92. */
export function throttled(milliseconds: number): Reply {
  return {
    status: 429,
    headers: {'retry-after': String(Math.ceil(milliseconds / 1000))},
    body: problem(
      "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'Concurrency' in namespace 'AnonymousId'.",
      'RequestBlockedException',
    ),
  };
}

export function problem(message: string, type: string): object {
  return {
    $id: '1',
    innerException: null,
    message,
    typeName: `Microsoft.TeamFoundation.Framework.Server.${type}, Microsoft.TeamFoundation.Framework.Server`,
    typeKey: type,
    errorCode: 0,
    eventId: 3000,
  };
}

export function htmlReply(status: number, title: string, message: string): Reply {
  return {
    status,
    headers: htmlHeaders,
    body: `<!DOCTYPE html>\n<html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1><p>${message}</p></body></html>\n`,
  };
}

/** Returns an answer whose lines git shows to the user after `remote:`. */
export function plain(status: number, message: string): Reply {
  return {status, headers: {'content-type': 'text/plain; charset=utf-8'}, body: `${message}\n`};
}

export const signInRoute: Route = {
  endpoint: 'azure-devops',
  handle: () => htmlReply(200, 'Sign in', 'Sign in'),
};

/** IIS refuses every token before Azure DevOps Server sees it: it takes it for a Windows password. Fact 54. */
export function iisRoute(host: string): Route {
  return {
    endpoint: 'azure-devops',
    handle: ({request}) => {
      request.resume();
      return {
        ...htmlReply(401, '401 - Unauthorized: Access is denied due to invalid credentials.', 'IIS'),
        headers: {...htmlHeaders, server: 'Microsoft-IIS/10.0', 'www-authenticate': `Basic realm="${host}"`},
      };
    },
  };
}

export function notFoundRoute(): Route {
  return {
    endpoint: 'azure-devops',
    handle: ({request}) => {
      request.resume();
      return htmlReply(404, 'The resource cannot be found.', 'HTTP 404');
    },
  };
}
