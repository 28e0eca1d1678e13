import {randomBytes} from 'node:crypto';
import type {OutgoingHttpHeaders} from 'node:http';
import {LRUCache} from 'lru-cache';
import {isRecord} from '../text/record.ts';
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
  readonly #byId = new LRUCache<string, Transfer>({max: MAX_TRANSFERS, ttl: LIFE});

  add(transfer: Transfer): string {
    const id = randomBytes(16).toString('base64url');
    this.#byId.set(id, transfer);
    return id;
  }

  /** Returns what `id` stands for, if it belongs to the repository and the method. */
  find(id: string, repository: Repository, method: string): Transfer | undefined {
    const found = this.#byId.get(id);
    const fits =
      found?.method === method &&
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

/**
 * Rewrites the answer to a batch: each action leads through the gateway, and what proves it stays here.
 * `addressOf`: the address of a transfer as the client reaches it.
 */
export function rewriteBatch(
  answer: unknown,
  repository: Repository,
  transfers: Transfers,
  addressOf: (id: string) => string,
): unknown {
  if (!isRecord(answer)) return undefined;
  const objects = Array.isArray(answer['objects']) ? answer['objects'].filter(isRecord) : [];
  return {
    ...pick(answer, ['message', 'hash_algo']),
    transfer: 'basic',
    objects: objects.map((object) => ({
      ...pick(object, ['oid', 'size', 'error']),
      authenticated: true,
      ...(isRecord(object['actions'])
        ? {actions: rewriteActions(object['actions'], repository, transfers, addressOf)}
        : {}),
    })),
  };
}

function rewriteActions(
  actions: Record<string, unknown>,
  repository: Repository,
  transfers: Transfers,
  addressOf: (id: string) => string,
): Record<string, unknown> {
  const rewritten: Record<string, unknown> = {};
  for (const [name, method] of METHODS) {
    const action = actions[name];
    if (!isRecord(action) || typeof action['href'] !== 'string') continue;
    const url = URL.parse(action['href']);
    if (url?.protocol !== 'https:' || /^[\d.]+$|^\[/.test(url.hostname)) continue;
    const header = isRecord(action['header']) ? action['header'] : {};
    const headers = Object.fromEntries(
      Object.entries(header).flatMap(([key, value]) =>
        typeof value === 'string' ? [[key.toLowerCase(), value]] : [],
      ),
    );
    const href = addressOf(transfers.add({repository, method, url, headers}));
    rewritten[name] = {href, expires_in: LIFE / 1000};
  }
  return rewritten;
}

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
