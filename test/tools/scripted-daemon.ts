import {chmodSync, mkdtempSync, rmSync} from 'node:fs';
import {createServer, type Server, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {until} from '../helpers/patience.ts';

/** A git socket whose answers the test gives, when it wants. */
export class ScriptedDaemon {
  readonly requests: string[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'orgkey-test-'));
  readonly #open: (Socket | undefined)[] = [];
  readonly #server: Server;

  constructor(t: ExecutionContext) {
    chmodSync(this.directory, 0o711);
    this.#server = createServer({allowHalfOpen: true}, (socket) => {
      let text = '';
      socket.on('error', () => undefined);
      socket.on('data', (piece) => (text += piece));
      socket.on('end', () => {
        this.requests.push(text);
        this.#open.push(socket);
      });
    });
    t.teardown(() => {
      for (const socket of this.#open) socket?.destroy();
      this.#server.close();
      rmSync(this.directory, {recursive: true, force: true});
    });
  }

  async listen(): Promise<this> {
    const {promise, resolve} = Promise.withResolvers<void>();
    this.#server.listen(join(this.directory, 'git.sock'), resolve);
    await promise;
    return this;
  }

  /** Answers the request at that place in the order of arrival, when it has arrived. Returns the request. */
  async answer(at: number, text: string): Promise<string> {
    const socket = await until(
      'a request',
      () => this.#open[at],
      () => true,
    );
    socket.end(`orgkey=1\n${text}`);
    return this.requests[at] ?? '';
  }

  get environment(): Record<string, string> {
    return {ORGKEY_RUNTIME_DIR: this.directory};
  }
}
