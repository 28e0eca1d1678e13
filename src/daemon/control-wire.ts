/** What may travel, in either direction; node-ipc drops everything else. */
export const CONTROL_EVENTS: readonly string[] = ['request', 'response', 'event'];

/** In bytes. A status of 10,000 organizations has about 5 MB. */
export const MAX_CONTROL_MESSAGE = 16 * 1024 * 1024;

export interface WireRequest {
  readonly id: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** `undefined`: what came is no request. */
export function readRequest(data: unknown): WireRequest | undefined {
  if (!isRecord(data)) return undefined;
  const {id, method, params} = data;
  if (typeof id !== 'string' || typeof method !== 'string') return undefined;
  return {id, method, params: isRecord(params) ? params : {}};
}

export function isRecord(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}
