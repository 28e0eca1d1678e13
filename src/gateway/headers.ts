import type {IncomingHttpHeaders, OutgoingHttpHeaders} from 'node:http';

/** What goes to Azure DevOps. Everything else stays here: cookies, credentials, addresses of the client. */
const UPSTREAM = [
  'accept',
  'accept-encoding',
  'accept-language',
  'content-type',
  'content-encoding',
  'git-protocol',
  'user-agent',
] as const;

/** What git and Git LFS read of an answer. */
const DOWNSTREAM = [
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'expires',
  'pragma',
  'retry-after',
] as const;

/** Of these a request has one at most, or two readers could take different ones. */
const SINGLE: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'authorization',
  'git-protocol',
]);

/** They belong to the connection: a batch cannot set them. */
const CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Returns the name of a header that a request has twice, or `undefined`. `raw`: names and values in turn. */
export function doubledHeader(raw: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? '';
    if (SINGLE.has(name) && seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** Returns the headers of a request that may go on, with the length of the body or its chunks. */
export function upstreamHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return {...chosen(headers, UPSTREAM), ...lengthOf(headers)};
}

/** Returns the headers of a batch of Git LFS, whose body we send and whose answer we read. */
export function batchHeaders(headers: IncomingHttpHeaders, length: number): OutgoingHttpHeaders {
  return {
    ...chosen(headers, ['accept', 'accept-language', 'content-type', 'user-agent']),
    'content-length': length,
  };
}

/** Returns the headers of a transfer of Git LFS. `wanted`: what the server asked for in the batch. */
export function transferHeaders(
  headers: IncomingHttpHeaders,
  wanted: OutgoingHttpHeaders,
): OutgoingHttpHeaders {
  const {range} = headers;
  return {
    ...upstreamHeaders(headers),
    ...(range !== undefined && /^bytes=\d+-\d*$/.test(range) ? {range} : {}),
    ...Object.fromEntries(Object.entries(wanted).filter(([name]) => !CONNECTION.has(name))),
  };
}

/** Returns the headers of an answer that the client may see. */
export function downstreamHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return {...chosen(headers, DOWNSTREAM), ...lengthOf(headers)};
}

function chosen(headers: IncomingHttpHeaders, names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function lengthOf(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined) return {'transfer-encoding': 'chunked'};
  return length === undefined ? {} : {'content-length': length};
}
