import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import {setTimeout as wait} from 'node:timers/promises';
import {answersItself, type Faults, type Fault} from './faults.ts';
import {EntraError, entraErrorReply} from './entra-errors.ts';
import {
  fingerprintOf,
  type Authorization,
  type Endpoint,
  type Records,
  type RequestRecord,
} from './records.ts';

/** An answer as a value; a function writes to the response itself (git's packs are too long to hold). */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer | object | ((response: ServerResponse) => Promise<void>);
}

/** A request, read so far that it can be matched and answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly host: string;
  readonly method: string;
  /** Still percent-encoded. */
  readonly path: string;
  /** Percent-decoded segments, empty ones left out. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** Empty for endpoints that stream their body. */
  readonly body: Buffer;
  readonly form: URLSearchParams;
  readonly authorization: Authorization | undefined;
  readonly record: RequestRecord;
}

/** What is known about a request before it is handled, and its handler. */
export interface Route {
  readonly endpoint: Endpoint;
  /** True leaves the body unread for the handler. */
  readonly streams?: boolean;
  readonly organization?: string;
  readonly repository?: string;
  readonly service?: string;
  readonly tenant?: string;
  handle(exchange: Exchange): Promise<Reply> | Reply;
}

export type Router = (request: {
  host: string;
  method: string;
  segments: readonly string[];
  query: URLSearchParams;
}) => Route;

/** Objects of Git LFS are held in memory. */
const longestBody = 256 * 1024 * 1024;

/** Serves HTTP requests: route, record, fault, handle, answer. `now` gives the cloud's own time in milliseconds. */
export function createRequestListener({
  route,
  records,
  faults,
  now,
  host: fixedHost,
}: {
  route: Router;
  records: Records<RequestRecord>;
  faults: Faults;
  now: () => number;
  /** The name under which plain endpoints are recorded; the Host header's elsewhere. */
  host?: string;
}): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(request, response).catch((error: unknown) => {
      // A mistake of the cloud's own: the test must see it, and not as a hang.
      if (response.headersSent) response.destroy();
      else
        response
          .writeHead(500, {'content-type': 'text/plain'})
          .end(`the test cloud failed: ${String(error)}`);
    });
  };

  async function replyTo(exchange: Exchange, found: Route, fault: Fault | undefined): Promise<Reply> {
    const bad = badRequest(exchange.request, fixedHost === undefined);
    if (bad === undefined)
      return fault && answersItself(fault) ? faultyReply(fault, now()) : found.handle(exchange);
    exchange.request.resume();
    return bad;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = Date.now();
    const method = request.method ?? 'GET';
    const host = fixedHost ?? (request.headers.host ?? '').toLowerCase();
    const [path, search] = splitOnce(request.url ?? '/', '?');
    const query = new URLSearchParams(search);
    const segments = path.split('/').filter(Boolean).map(decode);
    const found = route({host, method, segments, query});
    const body = found.streams ? Buffer.alloc(0) : await readBody(request);
    const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
    const form = new URLSearchParams(isForm ? body.toString() : '');
    const authorization = parseAuthorization(request.headers.authorization);
    const record = records.add({
      at: startedAt,
      host,
      method,
      path,
      query: Object.fromEntries(query),
      headers: plainHeaders(request),
      userAgent: request.headers['user-agent'] ?? '',
      authorization,
      form: Object.fromEntries(form),
      client: form.get('client_id') ?? query.get('client_id') ?? undefined,
      grant: form.get('grant_type') ?? undefined,
      ...aboutRoute(found),
    });
    response.once('close', () => {
      record.duration = Date.now() - startedAt;
      if (response.headersSent) record.status = response.statusCode;
      records.changed();
    });
    const fault = faults.take({...record, endpoint: found.endpoint});
    if (fault) record.faulty = true;
    if (await preventsAnswer(fault, request)) return;
    const exchange = {request, host, method, path, segments, query, body, form, authorization, record};
    const reply = await replyTo(exchange, found, fault);
    await send(response, fault ? changed(reply, fault) : reply, {
      date: new Date(now() + (fault?.dateSkew ?? 0)),
      truncate: fault?.truncate,
      head: method === 'HEAD',
    });
  }
}

/**
 * Refuses what a front end of the real services refuses: another Host than the bare name, two authorizations (fact 82).
 * Fact 91.
 */
function badRequest({headers, rawHeaders}: IncomingMessage, hasName: boolean): Reply | undefined {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const count = (wanted: string) => names.filter((name) => name === wanted).length;
  if (count('authorization') > 1) return {status: 400, body: 'Bad Request - Invalid Header\n'};
  const isBare = /^[a-z0-9.-]+$/i.test(headers.host ?? '') && count('host') === 1;
  return hasName && !isBare ? {status: 400, body: 'Bad Request - Invalid Hostname\n'} : undefined;
}

function aboutRoute({
  endpoint,
  tenant,
  organization,
  repository,
  service,
}: Route): Pick<RequestRecord, 'endpoint' | 'tenant' | 'organization' | 'repository' | 'service'> {
  return {endpoint, tenant, organization, repository, service};
}

/** Waits, hangs or resets as the fault wants. Returns whether there is to be no answer. */
async function preventsAnswer(fault: Fault | undefined, request: IncomingMessage): Promise<boolean> {
  if (fault?.delay) await wait(fault.delay);
  if (fault?.reset) resetConnection(request.socket);
  return Boolean(fault?.hang ?? fault?.reset);
}

function faultyReply(fault: Fault, now: number): Reply {
  if (fault.aadsts !== undefined) {
    const {status = 400, error = 'invalid_grant'} = fault;
    return entraErrorReply(
      new EntraError(fault.aadsts, error, 'The test cloud refuses, as the test wants.', {status}),
      {now},
    );
  }
  const body = fault.bodyLength === undefined ? fault.body : Buffer.alloc(fault.bodyLength, 'x');
  return {status: fault.status ?? 200, body: body ?? ''};
}

function changed(reply: Reply, fault: Fault): Reply {
  const headers = {...reply.headers, ...fault.headers};
  const {body} = reply;
  if ((fault.omit ?? fault.set) === undefined || typeof body !== 'object' || Buffer.isBuffer(body))
    return {...reply, headers};
  const members = Object.entries({...body, ...fault.set}).filter(([name]) => !fault.omit?.includes(name));
  return {...reply, headers, body: Object.fromEntries(members)};
}

async function send(
  response: ServerResponse,
  reply: Reply,
  {date, truncate, head}: {date: Date; truncate: number | undefined; head: boolean},
): Promise<void> {
  if (response.destroyed) return;
  response.setHeader('date', date.toUTCString());
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.statusCode = reply.status;
  const {body} = reply;
  if (truncate !== undefined) cutAfter(response, truncate);
  if (typeof body === 'function') return body(response);
  const bytes =
    typeof body === 'string'
      ? Buffer.from(body)
      : Buffer.isBuffer(body)
        ? body
        : Buffer.from(JSON.stringify(body ?? ''));
  const content = body === undefined ? Buffer.alloc(0) : bytes;
  if (!response.hasHeader('content-type') && content.length > 0)
    response.setHeader(
      'content-type',
      typeof body === 'object' && !Buffer.isBuffer(body)
        ? 'application/json; charset=utf-8'
        : 'text/plain; charset=utf-8',
    );
  response.setHeader('content-length', content.length);
  response.end(head ? undefined : content);
}

/** The length that was announced stays; the connection ends after `limit` bytes of the body. */
function cutAfter(response: ServerResponse, limit: number): void {
  let left = limit;
  const write = response.write.bind(response);
  const cut = (chunk: unknown): boolean => {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(typeof chunk === 'string' ? chunk : '');
    const part = bytes.subarray(0, left);
    left -= part.length;
    const flows = write(part, () => {
      if (left === 0) response.destroy();
    });
    return flows;
  };
  response.write = cut as typeof response.write;
  response.end = ((chunk?: unknown) => {
    if (chunk !== undefined) cut(chunk);
    if (left > 0) response.destroy();
    return response;
  }) as typeof response.end;
}

export function resetConnection(socket: Socket & {_parent?: Socket}): void {
  // A TLS socket has no reset of its own; the one below it has.
  const below = socket._parent ?? socket;
  if (typeof below.resetAndDestroy === 'function' && !below.destroyed) below.resetAndDestroy();
  socket.destroy();
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > longestBody) throw new Error('the request is too long');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function parseAuthorization(header: string | undefined): Authorization | undefined {
  if (!header) return undefined;
  const [scheme, value] = splitOnce(header, ' ');
  const name = scheme.toLowerCase();
  if (name !== 'basic') return {scheme: name, secret: value, fingerprint: fingerprintOf(value)};
  const [username, secret] = splitOnce(Buffer.from(value, 'base64').toString(), ':');
  return {scheme: name, username, secret, fingerprint: fingerprintOf(secret)};
}

function plainHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

export function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
