import {once} from 'node:events';
import type {ServerResponse} from 'node:http';
import type {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {GitProgram} from './git-program.ts';
import type {Exchange, Reply} from './http-exchange.ts';
import type {Repository} from './repositories.ts';

/** Lets `git http-backend` answer (CGI, RFC 3875). `rest` is the path behind the repository's: `/info/refs`. */
export async function serveGit(
  {request, query}: Exchange,
  {git, repository, rest, user}: {git: GitProgram; repository: Repository; rest: string; user: string},
): Promise<Reply> {
  await repository.ready();
  const {headers} = request;
  const child = git.start(['http-backend'], {
    GIT_PROJECT_ROOT: repository.directory,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: rest,
    QUERY_STRING: query.toString(),
    REQUEST_METHOD: request.method,
    REMOTE_USER: user,
    REMOTE_ADDR: '127.0.0.1',
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: single(headers['git-protocol']),
  });
  // A server would log this; the tests do not need it
  child.stderr.resume();
  request.pipe(child.stdin);
  request.once('close', () => {
    if (!request.complete) child.kill();
  });
  const {status, replyHeaders, rest: first} = await readHead(child.stdout);
  return {
    status,
    headers: replyHeaders,
    body: async (response: ServerResponse) => {
      response.once('close', () => {
        if (!response.writableFinished) child.kill();
      });
      if (first.length > 0 && !response.write(first))
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      // the client may hang up at any time
      await pipeline(child.stdout, response).catch(() => undefined);
    },
  };
}

async function readHead(
  stream: Readable,
): Promise<{status: number; replyHeaders: Record<string, string>; rest: Buffer}> {
  let head = Buffer.alloc(0);
  const close = once(stream, 'close');
  for (;;) {
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0)
      return {...parseHead(head.subarray(0, end).toString('latin1')), rest: head.subarray(end + 4)};
    if (stream.readableEnded || stream.destroyed)
      return {status: 502, replyHeaders: {}, rest: Buffer.from('git http-backend said nothing')};
    const chunk: unknown = stream.read();
    if (Buffer.isBuffer(chunk)) head = Buffer.concat([head, chunk]);
    else await Promise.race([once(stream, 'readable'), close]);
  }
}

function parseHead(text: string): {status: number; replyHeaders: Record<string, string>} {
  const replyHeaders: Record<string, string> = {};
  let status = 200;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10);
    else replyHeaders[name] = value;
  }
  return {status, replyHeaders};
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
