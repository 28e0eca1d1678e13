import type {RejectedPlace} from '../../answer/answer.ts';
import {isFromAzureDevOps} from '../../network/is-from-azure-devops.ts';
import type {WebReply} from '../../network/send-request.ts';
import {claimsChallenge} from '../../organization/connected-tenant.ts';
import {collectionAt, SERVICES_HOST} from '../../organization/owner.ts';
import {parseRecord, isRecord} from '../../text/record.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import type {Verdict} from '../../token/organization-rejections.ts';
import type {Token} from '../../token/token.ts';
import type {Environment} from '../../text/environment.ts';

/** In bytes: who we are stands at the beginning of the answer. */
const LARGEST = 256 * 1024;

/**
 * Asks Azure DevOps about a token that a client reported as rejected: first for the very repository, then for the
 * organization. Does not reject.
 * @param environment its proxies are used
 */
export async function verifyToken(
  place: RejectedPlace,
  token: Token,
  environment: Environment,
): Promise<Verdict> {
  const signal = AbortSignal.timeout(TIME_BUDGET.verification);
  const headers = {authorization: headerFor(token), 'x-tfs-fedauthredirect': 'Suppress'};
  const ask = async (url: string) => {
    // most daemons never need it
    const {sendRequest} = await import('../../network/send-request.ts');
    return sendRequest({method: 'GET', url, headers}, {variables: environment, signal, limit: LARGEST});
  };
  try {
    const repository = repositoryUrl(place);
    if (repository !== undefined && servesReferences(await ask(repository))) return 'works';
    const organization = organizationUrl(place);
    if (organization === undefined) return 'unknown';
    return verdictOf(await ask(`${organization}/_apis/connectionData`));
  } catch {
    return 'unknown';
  }
}

function servesReferences({status, headers}: WebReply): boolean {
  return status === 200 && headers['content-type'] === 'application/x-git-upload-pack-advertisement';
}

function isEnded({'www-authenticate': challenge}: WebReply['headers']): boolean {
  return challenge !== undefined && claimsChallenge([challenge]) !== undefined;
}

/** A page or a redirect means that the token was not accepted. Busy or broken servers say nothing about it. */
function verdictOf({status, text, headers}: WebReply): Verdict {
  if (status === 401) return isEnded(headers) ? 'ended' : 'rejected';
  // the login page of a network says nothing about the token
  if (!isFromAzureDevOps(headers)) return 'unknown';
  if (status === 203 || (status >= 300 && status < 400)) return 'rejected';
  if (status === 403) return 'accepted';
  if (status !== 200) return 'unknown';
  const user = parseRecord(text)?.['authenticatedUser'];
  const id = isRecord(user) ? user['id'] : undefined;
  // the anonymous user's id begins with aaaaaaaa
  return typeof id === 'string' && !/^a{8}-/.test(id) ? 'accepted' : 'rejected';
}

function repositoryUrl({host, path}: RejectedPlace): string | undefined {
  const [repository] = /^(?:[^/]+\/)*_git\/(?:_full\/|_optimized\/)?[^/]+/i.exec(path ?? '') ?? [];
  return repository && `https://${host}/${encodePath(repository)}/info/refs?service=git-upload-pack`;
}

function organizationUrl({owner, host, path}: RejectedPlace): string | undefined {
  if (owner.kind === 'organization') return `https://${SERVICES_HOST}/${owner.organization}`;
  if (owner.kind !== 'server' || owner.collection === undefined) return undefined;
  const segments = (path ?? '').split('/');
  const end = collectionAt(owner.host, segments) + 1;
  return `https://${host}/${encodePath(segments.slice(0, end).join('/'))}`;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** As a string: Node's client takes nothing else. */
function headerFor({kind, secret}: Token): string {
  if (kind === 'access-token') return `Bearer ${secret.revealText()}`;
  return `Basic ${Buffer.from(`:${secret.revealText()}`).toString('base64')}`;
}
