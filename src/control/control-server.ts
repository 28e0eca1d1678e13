import type {Socket} from 'node:net';
import {messageOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import type {JsonRecord} from '../text/record.ts';
import type {Caller, Handlers, Params} from './control-protocol.ts';
import {ControlPlaces} from './control-places.ts';
import {controlIpc, readRequest} from './control-wire.ts';

export interface ControlServer {
  stop(): void;
}

export function serveControl(path: string, handlers: Handlers): Promise<ControlServer> {
  const ipc = controlIpc(path, 'daemon');
  const places = new ControlPlaces();
  return new Promise((resolve, reject) => {
    ipc.serve(path, () => resolve({stop: () => ipc.server.stop()}));
    const {server} = ipc;
    server.on('error', reject);
    server.on('connect', (socket: Socket) => places.enter(socket));
    server.on('request', (data, socket) => void respond(data, socket));
    server.start();

    async function respond(data: unknown, socket: Socket): Promise<void> {
      const request = readRequest(data);
      // a request without an id cannot be answered
      if (request === undefined) return void socket.destroy();
      const {id, method, params} = request;
      const gone = places.begin(socket);
      if (gone === undefined) return;
      const send = (event: string, body: object) => {
        if (!socket.destroyed) server.emit(socket, event, {id, ...body});
      };
      try {
        const result = await call(handlers, method, params, {
          send: (event) => send('event', {event}),
          gone,
        });
        send('response', {result});
      } catch (error) {
        send('response', {error: printable(messageOf(error))});
      } finally {
        if (!isFollowing(method, params)) places.end(socket);
      }
    }
  });
}

function isFollowing(method: string, params: JsonRecord): boolean {
  return method === 'logs' && params['follow'] === true;
}

async function call(
  handlers: Handlers,
  method: string,
  params: JsonRecord,
  caller: Caller,
): Promise<unknown> {
  switch (method) {
    case 'ping':
    case 'status':
    case 'reload':
    case 'clear':
    case 'metrics':
    case 'flush':
      return handlers[method](undefined, caller);
    case 'token':
      return handlers.token(
        {organization: text(params, 'organization'), scope: optionalText(params, 'scope')},
        caller,
      );
    case 'verdict':
      return handlers.verdict(
        {organization: text(params, 'organization'), isAccepted: params['isAccepted'] === true},
        caller,
      );
    case 'login':
      return handlers.login(signInFrom(params), caller);
    case 'answer':
      return handlers.answer({question: text(params, 'question'), isYes: params['isYes'] === true}, caller);
    case 'logout':
      return handlers.logout({organization: text(params, 'organization')}, caller);
    case 'logs':
      return handlers.logs({follow: isFollowing(method, params)}, caller);
    default:
      throw new Error(
        `the daemon does not know the call ${printable(method, 40)}: it may be of another version`,
      );
  }
}

function signInFrom(params: JsonRecord): Params<'login'> {
  const method = optionalText(params, 'method');
  return {
    organization: text(params, 'organization'),
    method: method === 'browser' || method === 'device-code' ? method : undefined,
    account: optionalText(params, 'account'),
    isInteractive: params['isInteractive'] === true,
  };
}

function text(params: JsonRecord, name: string): string {
  const value = optionalText(params, name);
  if (value === undefined) throw new Error(`the call needs ${name}`);
  return value;
}

function optionalText(params: JsonRecord, name: string): string | undefined {
  const value = params[name];
  return typeof value === 'string' ? value : undefined;
}
