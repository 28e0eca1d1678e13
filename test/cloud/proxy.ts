import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import {setTimeout as wait} from 'node:timers/promises';
import type {Faults} from './faults.ts';
import {resetConnection, splitOnce} from './http-exchange.ts';
import type {ProxyRecord, Records} from './records.ts';

/** Takes over a tunnel: from here on the socket speaks whatever is behind the address. */
export type Tunnel = (socket: Socket) => void;

/**
 * A CONNECT proxy that leads known addresses into the cloud, without a second connection, and refuses all others.
 * `forward` answers plain `http://` requests; undefined refuses them.
 */
export function createProxy({
  records,
  faults,
  find,
  roundTrip,
  forward,
}: {
  records: Records<ProxyRecord>;
  faults: Faults;
  find: (host: string, port: number) => Tunnel | undefined;
  /** Of the connection behind this one, in milliseconds. */
  roundTrip: () => number;
  forward: (host: string) => ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
}): Server {
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '');
    const host = url?.hostname ?? '';
    const record = records.add({
      at: Date.now(),
      method: request.method ?? '',
      host,
      port: Number(url?.port === '' ? 80 : (url?.port ?? 0)),
      path: url?.pathname ?? request.url ?? '',
      userAgent: request.headers['user-agent'] ?? '',
    });
    const handle = url ? forward(host) : undefined;
    response.once('close', () => {
      record.status = response.statusCode;
      records.changed();
    });
    if (!url || !handle)
      return void response
        .writeHead(502, {'content-type': 'text/plain'})
        .end('The proxy leads nowhere from here.\n');
    request.url = url.pathname + url.search;
    handle(request, response);
  });
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined);
    connect(request, socket, head).catch(() => socket.destroy());
  });
  return server;

  async function connect(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const [name, port] = splitLast(request.url ?? '', ':');
    const host = name.toLowerCase();
    const record = records.add({
      at: Date.now(),
      method: 'CONNECT',
      host,
      port: Number(port),
      userAgent: request.headers['user-agent'] ?? '',
    });
    const answer = (status: number, reason: string): void => {
      record.status = status;
      records.changed();
      socket.write(
        `HTTP/1.1 ${status} ${reason}\r\n${status === 200 ? '' : 'Content-Length: 0\r\nConnection: close\r\n'}\r\n`,
      );
    };
    const fault = faults.take({endpoint: 'proxy', host, method: 'CONNECT'});
    if (fault?.delay) await wait(fault.delay);
    if (fault?.hang) return;
    if (fault?.reset) return resetConnection(socket);
    if (fault?.status !== undefined) {
      answer(fault.status, 'Refused');
      socket.end();
      return;
    }
    const tunnel = find(host, Number(port));
    if (!tunnel) {
      answer(502, 'Bad Gateway');
      socket.end();
      return;
    }
    socket.setNoDelay(true);
    if (roundTrip() > 0) await wait(roundTrip());
    answer(200, 'Connection established');
    if (head.length > 0) socket.unshift(head);
    tunnel(socket);
  }
}

function splitLast(text: string, separator: string): [string, string] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? splitOnce(text, separator) : [text.slice(0, at), text.slice(at + separator.length)];
}
