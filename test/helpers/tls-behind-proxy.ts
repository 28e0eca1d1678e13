import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {createServer as createTlsServer, getCACertificates, setDefaultCACertificates} from 'node:tls';
import type {ExecutionContext} from 'ava';
import {createCertificateAuthority} from '../cloud/certificates.ts';
import {listenOnLoopback} from './listen-on-loopback.ts';

/** The name in the certificate of the server behind the proxy. */
export const HOST = 'contoso.example';

const trusted = createCertificateAuthority('test');
setDefaultCACertificates([...getCACertificates(), trusted.certificate]);

/** A CONNECT proxy that leads every name to one TLS server. */
interface TlsBehindProxy {
  /** Of the proxy. */
  readonly port: number;
  /** Of the server. */
  readonly target: number;
  /** What both were sent: one text for each tunnel, and one for each request. */
  readonly received: {readonly connects: readonly string[]; readonly requests: readonly string[]};
}

/** Starts a TLS server that gives one answer to every request, and a proxy in front of it. */
export async function tlsBehindProxy(
  t: ExecutionContext,
  {
    answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
    authority = trusted,
  }: {readonly answer?: string; readonly authority?: ReturnType<typeof createCertificateAuthority>} = {},
): Promise<TlsBehindProxy> {
  const received = {connects: [] as string[], requests: [] as string[]};
  const {certificate, privateKey} = authority.issue([HOST, 'localhost']);
  const server = createTlsServer({cert: certificate, key: privateKey}, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received.requests.push(bytes.toString());
      socket.write(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const target = typeof address === 'object' && address !== null ? address.port : 0;
  const port = await listenOnLoopback(t, (socket: Socket) => {
    socket.once('data', (bytes) => {
      received.connects.push(bytes.toString());
      const behind = connect(target, '127.0.0.1');
      behind.on('error', () => socket.destroy());
      // a client that is cut does not end the pipe
      socket.on('error', () => undefined).once('close', () => behind.destroy());
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(behind).pipe(socket);
    });
  });
  return {port, target, received};
}
