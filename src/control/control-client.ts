import {randomUUID} from 'node:crypto';
import type {Client} from 'node-ipc';
import {startTimer} from '../start-timer.ts';
import {OrgkeyError, codeOf} from '../text/orgkey-error.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import type {ControlEvent, ControlMethod, Params, Result} from './control-protocol.ts';
import {controlIpc} from './control-wire.ts';
import {OpenCalls} from './open-calls.ts';

export interface ControlConnection {
  /**
   * @throws {OrgkeyError} `ERR_NOT_RUNNING` if the daemon ends the connection, `ERR_CALL` if it cannot do what is asked.
   */
  call<M extends ControlMethod>(method: M, params: Params<M>): Result<M>;
  onEvent(listener: (event: ControlEvent) => void): void;
  close(): void;
}

/**
 * Connects to the control channel of a daemon that answers. `silence` makes the error for one that does not.
 * @throws {OrgkeyError} `ERR_NOT_RUNNING` if no daemon listens on the path, `ERR_SILENT` if it does not answer in time.
 */
export async function connectControl(
  path: string,
  silence: () => Error = () => new OrgkeyError('ERR_SILENT', 'the daemon does not answer'),
): Promise<ControlConnection> {
  let stopTimer: (() => void) | undefined;
  const silent = new Promise<never>((_, reject) => {
    stopTimer = startTimer(TIME_BUDGET.control, () => reject(silence()));
  });
  let connection: ControlConnection | undefined;
  try {
    connection = await Promise.race([open(path, silence), silent]);
    await Promise.race([connection.call('ping', undefined), silent]);
    return connection;
  } catch (error) {
    // a daemon of another version answers too
    if (connection !== undefined && codeOf(error) === 'ERR_CALL') return connection;
    connection?.close();
    throw error;
  } finally {
    stopTimer?.();
  }
}

async function open(path: string, silence: () => Error): Promise<ControlConnection> {
  const ipc = controlIpc(path, 'client');
  const listeners = new Set<(event: ControlEvent) => void>();
  const lost = new OrgkeyError('ERR_NOT_RUNNING', 'the daemon ended the connection');

  const peer = await connectPeer(ipc, path);
  const calls = new OpenCalls({
    ping: () => peer.emit('request', {id: randomUUID(), method: 'ping'}),
    silence,
  });
  peer.on('disconnect', () => calls.end(lost));
  peer.on('response', (response) => calls.settle(response));
  peer.on('event', ({event}) => {
    calls.hear();
    for (const listener of listeners) listener(event);
  });

  return {
    call: (method, params) => calls.begin((id) => peer.emit('request', {id, method, params})),
    onEvent: (listener) => void listeners.add(listener),
    close() {
      calls.end(lost);
      ipc.disconnect(PEER);
    },
  };
}

const PEER = 'orgkey';

function connectPeer(ipc: ReturnType<typeof controlIpc>, path: string): Promise<Client> {
  ipc.config.maxRetries = 0;
  ipc.config.stopRetrying = true;
  return new Promise((resolve, reject) => {
    ipc.connectTo(PEER, path, () => {
      const client = ipc.of[PEER];
      if (client === undefined) return;
      client.on('connect', () => resolve(client));
      client.on('error', () => reject(new OrgkeyError('ERR_NOT_RUNNING', `no daemon listens on ${path}`)));
    });
  });
}
