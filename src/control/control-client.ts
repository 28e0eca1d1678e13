import {randomUUID} from 'node:crypto';
import type {ControlCalls, ControlEvent, ControlMethod} from './control-protocol.ts';
import {controlIpc} from './control-wire.ts';

/** `ERR_NOT_RUNNING`: nobody listens. `ERR_CALL`: the daemon says why it does not do it. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: 'ERR_NOT_RUNNING' | 'ERR_CALL';

  constructor(code: 'ERR_NOT_RUNNING' | 'ERR_CALL', message: string) {
    super(message);
    this.code = code;
  }
}

export interface ControlConnection {
  /** @throws {ControlError} */
  call<M extends ControlMethod>(
    method: M,
    params: ControlCalls[M]['params'],
  ): Promise<ControlCalls[M]['result']>;
  onEvent(listener: (event: ControlEvent) => void): void;
  close(): void;
}

/** @throws {ControlError} where no daemon listens on the path. */
export async function connectControl(path: string): Promise<ControlConnection> {
  const ipc = controlIpc(path);
  ipc.config.maxRetries = 0;
  ipc.config.stopRetrying = true;

  const pending = new Map<string, {resolve: (result: never) => void; reject: (error: Error) => void}>();
  const listeners = new Set<(event: ControlEvent) => void>();
  const lost = new ControlError('ERR_NOT_RUNNING', 'the daemon ended the connection');

  const peer = await new Promise<import('node-ipc').Client>((resolve, reject) => {
    ipc.connectTo(PEER, path, () => {
      const client = ipc.of[PEER];
      if (client === undefined) return;
      client.on('connect', () => resolve(client));
      client.on('error', () => reject(new ControlError('ERR_NOT_RUNNING', `no daemon listens on ${path}`)));
    });
  });
  peer.on('disconnect', () => {
    for (const {reject} of pending.values()) reject(lost);
    pending.clear();
  });
  peer.on('response', ({id, result, error}) => {
    const call = pending.get(id);
    pending.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new ControlError('ERR_CALL', error));
  });
  peer.on('event', ({event}) => {
    for (const listener of listeners) listener(event);
  });

  return {
    call(method, params) {
      const id = randomUUID();
      return new Promise((resolve, reject) => {
        pending.set(id, {resolve, reject});
        peer.emit('request', {id, method, params});
      });
    },
    onEvent: (listener) => void listeners.add(listener),
    close: () => ipc.disconnect(PEER),
  };
}

const PEER = 'orgkey';
