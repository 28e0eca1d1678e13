import type {ExecutionContext} from 'ava';
import {once} from 'node:events';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import {type GitHome, homeFor} from './git-home.ts';

export interface ScriptedSocket {
  readonly home: GitHome;
  /** The lines of each request, without git's own. */
  readonly asked: string[][];
}

/** Makes a home with a socket that answers each request as the test says; for one test. */
export async function scriptedSocket(
  t: ExecutionContext,
  answer: (lines: readonly string[]) => string,
): Promise<ScriptedSocket> {
  const home = homeFor(t);
  const asked: string[][] = [];
  const server = createServer({allowHalfOpen: true}, (socket) => {
    socket.on('error', () => undefined);
    void text(socket).then((request) => {
      const lines = request.split('\n').slice(2).filter(Boolean);
      asked.push(lines);
      socket.end(answer(lines));
    });
  }).listen(join(home.directory, 'git.sock'));
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return {home, asked};
}
