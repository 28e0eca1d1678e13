import http from 'node:http';
import https from 'node:https';

export interface ClientRequest {
  /** Default: GET, or POST with a form or a body. */
  method?: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as a form. */
  form?: Readonly<Record<string, string>> | URLSearchParams;
  body?: string;
}

export interface ClientAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Every `www-authenticate` header. */
  readonly challenges: readonly string[];
  readonly text: string;
}

/** The port that serves the real names. */
export interface Target {
  readonly port: number;
  readonly ca: string;
}

/**
 * Asks the cloud directly, without a proxy, and follows no redirects: `https://` names are on its TLS port, `http://`
 * addresses are used as they are. Every request has its own connection.
 */
export function send(
  url: string,
  {method, headers = {}, form, body}: ClientRequest,
  {port, ca}: Target,
): Promise<ClientAnswer> {
  const address = new URL(url);
  const content = form === undefined ? (body ?? '') : new URLSearchParams(form).toString();
  const options = {
    method: method ?? (content === '' && form === undefined ? 'GET' : 'POST'),
    path: address.pathname + address.search,
    agent: false as const,
    headers: {
      host: address.host,
      ...(form === undefined ? {} : {'content-type': 'application/x-www-form-urlencoded'}),
      ...(content === '' ? {} : {'content-length': String(Buffer.byteLength(content))}),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    const listener = (response: http.IncomingMessage): void => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          challenges: response.headersDistinct['www-authenticate'] ?? [],
          text: Buffer.concat(chunks).toString(),
        }),
      );
    };
    const request =
      address.protocol === 'https:'
        ? https.request({...options, host: '127.0.0.1', port, servername: address.hostname, ca}, listener)
        : http.request({...options, host: address.hostname, port: address.port}, listener);
    request.once('error', reject);
    request.end(content);
  });
}
