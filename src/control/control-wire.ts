import {IPCModule} from 'node-ipc';
import {dirname} from 'node:path';
import {isRecord, type JsonRecord} from '../text/record.ts';

/** Sets node-ipc up for either side of the control channel: it prints nothing, and accepts our three events only. */
export function controlIpc(path: string): IPCModule {
  const ipc = new IPCModule();
  ipc.config.silent = true;
  ipc.config.parser = 'assured';
  ipc.config.allowedEvents = ['request', 'response', 'event'];
  ipc.config.socketRoot = `${dirname(path)}/`;
  ipc.config.maxMessageSize = MAX_MESSAGE;
  return ipc;
}

/** In bytes. The status of 10,000 organizations takes about 5 MB. */
const MAX_MESSAGE = 16 * 1024 * 1024;

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
