import {constants} from 'node:crypto';
import {createServer, type Server} from 'node:https';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {createSecureContext, type SecureContext} from 'node:tls';
import {expiredYesterday, type CertificateAuthority} from './certificates.ts';
import type {Fault, Faults} from './faults.ts';
import type {ProxyRecord, Records} from './records.ts';

/** A TLS server that has a certificate for every name it is asked for. Sockets come from the proxy or its own port. */
export function createTlsServer(
  {
    authority,
    stranger,
    faults,
    connections,
  }: {
    authority: CertificateAuthority;
    /** An authority that no client trusts. */
    stranger: CertificateAuthority;
    faults: Faults;
    connections: Records<ProxyRecord>;
  },
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const contexts = new Map<string, SecureContext>();
  const server = createServer(
    {
      ...tlsFiles(authority.issue(['localhost', '127.0.0.1'])),
      SNICallback: (name, done) => done(null, contextFor(name.toLowerCase())),
      // no session is resumed: every connection is shown its certificate, the faulty one too
      secureOptions: constants.SSL_OP_NO_TICKET,
      // as long as any client keeps a connection: who closes first must not be a matter of luck
      keepAliveTimeout: 60_000,
    },
    listener,
  );
  server.on('tlsClientError', (error, socket) => {
    connections.add({
      at: Date.now(),
      method: 'TLS',
      host: socket.servername || '',
      port: 443,
      userAgent: '',
      path: error.message,
    });
    socket.destroy();
  });
  return server;

  function contextFor(name: string): SecureContext {
    const fault = faults.take({endpoint: 'tls', host: name})?.certificate;
    const key = `${fault ?? 'good'} ${name}`;
    const known = contexts.get(key);
    if (known) return known;
    const context = createSecureContext(tlsFiles(issue(name, fault)));
    contexts.set(key, context);
    return context;
  }

  function issue(name: string, fault: Fault['certificate']): {certificate: string; privateKey: string} {
    switch (fault) {
      case 'expired':
        return authority.issue([name], expiredYesterday(Date.now()));
      case 'untrusted':
        return stranger.issue([name]);
      case 'wrong-name':
        return authority.issue(['another-name.example.org']);
      case undefined:
        return authority.issue([name]);
      default:
        return fault;
    }
  }
}

function tlsFiles({certificate, privateKey}: {certificate: string; privateKey: string}): {
  cert: string;
  key: string;
} {
  return {cert: certificate, key: privateKey};
}
