import {IPCModule} from 'node-ipc';
import {AssuredParser, IPCProtocolError} from 'node-ipc/parsers';
import {dirname} from 'node:path';
import {isRecord, type JsonRecord} from '../text/record.ts';

/** Sets node-ipc up for one side of the control channel: it prints nothing, and accepts our three events only. */
export function controlIpc(path: string, side: 'daemon' | 'client'): IPCModule {
  const ipc = new IPCModule();
  ipc.config.silent = true;
  ipc.config.parser = side === 'daemon' ? RequestParser : 'assured';
  ipc.config.allowedEvents = ['request', 'response', 'event'];
  ipc.config.socketRoot = `${dirname(path)}/`;
  ipc.config.maxMessageSize = MAX_MESSAGE;
  // the daemon bounds them itself: here, idle clients would keep out all others
  ipc.config.maxConnections = Infinity;
  return ipc;
}

/** In bytes. The status of 10,000 organizations takes about 5 MB. */
const MAX_MESSAGE = 16 * 1024 * 1024;

/** In characters. The longest request names an organization and a scope. */
const MAX_REQUEST = 64 * 1024;

/**
 * What the daemon reads: requests, which are short. The package has one limit for both directions, and searches all that
 * it holds for each chunk.
 */
class RequestParser extends AssuredParser {
  override read(buffer: string, data: string, receive: (message: unknown) => void): string {
    const rest = super.read(buffer, data, receive);
    if (rest.length <= MAX_REQUEST) return rest;
    throw new IPCProtocolError('TOO_LARGE', 'the request is too long');
  }
}

interface WireRequest {
  readonly id: string;
  readonly method: string;
  readonly params: JsonRecord;
}

/** Returns `undefined` for anything that is not a request. */
export function readRequest(data: unknown): WireRequest | undefined {
  if (!isRecord(data)) return undefined;
  const {id, method, params} = data;
  if (typeof id !== 'string' || typeof method !== 'string') return undefined;
  return {id, method, params: isRecord(params) ? params : {}};
}
