import {randomBytes} from 'node:crypto';
import type {OutgoingHttpHeaders} from 'node:http';
import {recentMap} from '../recent-map.ts';
import {isRecord} from '../text/record.ts';
import {organizationFrom} from '../organization/organization.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import type {Repository} from './rule/repository.ts';

/** One transfer that a batch allowed: where it really goes. The client sees only its id. */
interface Transfer {
  readonly repository: Repository;
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly url: URL;
  /** What the server wants with it, its proof included. */
  readonly headers: OutgoingHttpHeaders;
}

/** The transfers that clients were allowed and have not made yet. They die with the process. */
export class Transfers {
  readonly #byId = recentMap<Transfer & {readonly until: number}>(MAX_TRANSFERS);

  add(transfer: Transfer): string {
    const id = randomBytes(16).toString('base64url');
    this.#byId.set(id, {...transfer, until: performance.now() + LIFE});
    return id;
  }

  /** Returns what `id` stands for, if it belongs to the repository and the method. */
  find(id: string, repository: Repository, method: string): Transfer | undefined {
    const found = this.#byId.get(id);
    const fits =
      found?.method === method &&
      performance.now() < found.until &&
      found.repository.path === repository.path &&
      found.repository.host === repository.host;
    return fits ? found : undefined;
  }
}

/** Whether a batch wants to write. `undefined`: it is not a batch. */
export function isUpload(batch: unknown): boolean | undefined {
  if (!isRecord(batch) || !Array.isArray(batch['objects']) || batch['objects'].length > MAX_OBJECTS)
    return undefined;
  if (batch['operation'] === 'upload') return true;
  return batch['operation'] === 'download' ? false : undefined;
}

interface Rewriting {
  readonly mayHold: (url: URL) => boolean;
  /** Returns the address of a transfer as the client reaches it. */
  readonly addressOf: (transfer: Omit<Transfer, 'repository'>) => string;
  /** The header `Authorization` that lets the client in, if it needs one. */
  readonly proof: string | undefined;
}

/** Rewrites the answer to a batch: each action leads through the gateway, and what proves it stays here. */
export function rewriteBatch(answer: unknown, rewriting: Rewriting): unknown {
  if (!isRecord(answer)) return undefined;
  const objects = Array.isArray(answer['objects']) ? answer['objects'].filter(isRecord) : [];
  return {
    ...pick(answer, ['message', 'hash_algo']),
    transfer: 'basic',
    objects: objects.map((object) => ({
      ...pick(object, ['oid', 'size', 'error']),
      authenticated: true,
      ...(isRecord(object['actions']) ? {actions: rewriteActions(object['actions'], rewriting)} : {}),
    })),
  };
}

function rewriteActions(
  actions: Record<string, unknown>,
  {mayHold, addressOf, proof}: Rewriting,
): Record<string, unknown> {
  const rewritten: Record<string, unknown> = {};
  for (const [name, method] of METHODS) {
    const action = actions[name];
    const url = isRecord(action) && typeof action['href'] === 'string' ? URL.parse(action['href']) : null;
    if (!isRecord(action) || url === null || !mayHold(url)) continue;
    const href = addressOf({method, url, headers: headersOf(action['header'])});
    const header = proof === undefined ? {} : {header: {authorization: proof}};
    rewritten[name] = {href, ...header, expires_in: LIFE / 1000};
  }
  return rewritten;
}

function headersOf(header: unknown): OutgoingHttpHeaders {
  if (!isRecord(header)) return {};
  return Object.fromEntries(
    Object.entries(header).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key.toLowerCase(), value]] : [],
    ),
  );
}

/**
 * Returns whether a batch may lead to an address: the repository's own host, or the hosts where Azure DevOps keeps
 * objects. A server must not lead the daemon to other services of its network.
 */
export function mayHoldTransfer(url: URL, {host, owner}: Repository): boolean {
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return false;
  if (url.host === host) return true;
  return owner.kind === 'organization' && url.port === '' && STORES.some((end) => url.hostname.endsWith(end));
}

/** Returns whether a transfer needs our credential: it leads to the same owner, and the batch named no other proof. */
export function wantsCredential({url, headers, repository}: Transfer): boolean {
  if (url.host !== repository.host || headers['authorization'] !== undefined) return false;
  if (repository.owner.kind === 'server' || url.host !== SERVICES_HOST) return true;
  return organizationFrom(url.pathname.split('/')[1] ?? '') === repository.organization;
}

const STORES = ['.dev.azure.com', '.visualstudio.com', '.vsassets.io', '.blob.core.windows.net'];

function pick(record: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.flatMap((key) => (record[key] === undefined ? [] : [[key, record[key]]])));
}

const METHODS = [
  ['download', 'GET'],
  ['upload', 'PUT'],
  ['verify', 'POST'],
] as const;

const MAX_TRANSFERS = 20_000;
/** In milliseconds. */
const LIFE = 30 * 60_000;
const MAX_OBJECTS = 10_000;
