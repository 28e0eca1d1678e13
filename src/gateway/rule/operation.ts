import type {ServersAt} from '../../organization/owner.ts';
import {locateRepository, type Repository} from './repository.ts';
import {allowsRepository, type Rule} from './rule.ts';

/** What a request wants. Everything else is denied. */
export type Operation = {readonly repository: Repository; readonly path: string} & (
  | {readonly kind: 'refs'; readonly service: Service}
  | {readonly kind: 'fetch'}
  | {readonly kind: 'push'}
  | {readonly kind: 'lfs-batch' | 'lfs-locks'}
  | {readonly kind: 'lfs-transfer'; readonly transfer: string}
);

type Service = 'git-upload-pack' | 'git-receive-pack';

/** A no of the rule or of the form: one line each, for people. */
export interface Denial {
  readonly code: 'ERR_GATEWAY_REQUEST' | 'ERR_GATEWAY_REPOSITORY' | 'ERR_GATEWAY_PUSH' | 'ERR_GATEWAY_LFS';
  readonly message: string;
  readonly hint: string;
}

interface GatewayRequest {
  readonly method: string;
  /** The real host, in lower case, without a default port. */
  readonly host: string;
  /** The target of the request line, in origin form. */
  readonly target: string;
}

export interface OperationParts {
  readonly rule: Rule;
  readonly serversAt: ServersAt;
}

/** Returns what a request wants, or why the gateway does not carry it. */
export function operationOf(
  {method, host, target}: GatewayRequest,
  {rule, serversAt}: OperationParts,
): {readonly operation: Operation} | {readonly denial: Denial} {
  const mark = target.indexOf('?');
  const [path, query] = mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
  const located = locateRepository(host, path, serversAt);
  if ('reason' in located) return {denial: notGit(located.reason)};
  const {repository, rest} = located;
  if (!allowsRepository(rule, repository)) return {denial: notAllowed(repository)};
  const wanted = wantedBy(method, rest.join('/'), query);
  if (wanted === undefined) return {denial: notGit('it is not a fetch, a push or a transfer of Git LFS')};
  if (isPush(wanted) && rule.push.length === 0) return {denial: readOnly(repository)};
  if (wanted.kind.startsWith('lfs-') && !rule.lfs) return {denial: noLfs};
  return {operation: {...wanted, repository, path: pathOf(wanted, repository, rest, query)}};
}

type Wanted =
  | {readonly kind: 'refs'; readonly service: Service}
  | {readonly kind: 'fetch'}
  | {readonly kind: 'push'}
  | {readonly kind: 'lfs-batch' | 'lfs-locks'}
  | {readonly kind: 'lfs-transfer'; readonly transfer: string};

function wantedBy(method: string, rest: string, query: string): Wanted | undefined {
  if (rest === 'info/refs') return method === 'GET' ? advertisementOf(query) : undefined;
  if (rest === 'info/lfs/locks' && method === 'GET' && /^[\w=&%.~-]*$/.test(query))
    return {kind: 'lfs-locks'};
  if (query !== '') return undefined;
  const transfer = /^info\/lfs\/transfer\/([\w-]{1,100})$/.exec(rest)?.[1];
  if (transfer !== undefined)
    return ['GET', 'PUT', 'POST'].includes(method) ? {kind: 'lfs-transfer', transfer} : undefined;
  return method === 'POST' ? postedTo(rest) : undefined;
}

function advertisementOf(query: string): Wanted | undefined {
  const service = /^service=(git-(?:upload|receive)-pack)$/.exec(query)?.[1];
  return service === 'git-upload-pack' || service === 'git-receive-pack'
    ? {kind: 'refs', service}
    : undefined;
}

function postedTo(rest: string): Wanted | undefined {
  if (rest === 'git-upload-pack') return {kind: 'fetch'};
  if (rest === 'git-receive-pack') return {kind: 'push'};
  if (rest === 'info/lfs/objects/batch') return {kind: 'lfs-batch'};
  return /^info\/lfs\/locks(?:\/verify|\/[\w-]+\/unlock)?$/.test(rest) ? {kind: 'lfs-locks'} : undefined;
}

function isPush(wanted: Wanted): boolean {
  return wanted.kind === 'push' || (wanted.kind === 'refs' && wanted.service === 'git-receive-pack');
}

function pathOf(wanted: Wanted, {path}: Repository, rest: readonly string[], query: string): string {
  const own = `${path}/${rest.map(encodeURIComponent).join('/')}`;
  if (wanted.kind === 'refs') return `${own}?service=${wanted.service}`;
  return query === '' ? own : `${own}?${query}`;
}

function notGit(reason: string): Denial {
  return {
    code: 'ERR_GATEWAY_REQUEST',
    message: `this request is not carried: ${reason}`,
    hint: 'use the gateway for git fetch, git push and Git LFS only',
  };
}

function notAllowed({organization, project, repository}: Repository): Denial {
  return {
    code: 'ERR_GATEWAY_REPOSITORY',
    message: `the rule of this gateway does not name ${organization}/${project}/${repository}`,
    hint: 'ask for the repository to be added to `repositories` of the gateway',
  };
}

function readOnly({organization, project, repository}: Repository): Denial {
  return {
    code: 'ERR_GATEWAY_PUSH',
    message: `this gateway does not allow pushes to ${organization}/${project}/${repository}`,
    hint: 'ask for the refs to be added to `push` of the gateway',
  };
}

const noLfs: Denial = {
  code: 'ERR_GATEWAY_LFS',
  message: 'this gateway does not carry Git LFS',
  hint: 'ask for `lfs: true` in the gateway',
};
