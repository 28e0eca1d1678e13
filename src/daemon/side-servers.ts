import type {Notice} from './control-protocol.ts';
import type {Log} from './log.ts';

/** What the daemon serves beside git's sockets. One that can't be opened is told, and takes nothing down with it. */
export class SideServers {
  readonly #log: Log;
  readonly #open: {stop(): void}[] = [];
  readonly #notices: Notice[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  get notices(): readonly Notice[] {
    return this.#notices;
  }

  async open(name: string, serve: () => Promise<{stop(): void}>): Promise<void> {
    try {
      this.#open.push(await serve());
    } catch (error) {
      const message = `the ${name} cannot be served: ${error instanceof Error ? error.message : String(error)}`;
      this.#log('error', message);
      this.#notices.push({level: 'yellow', message, hint: 'mend it, then run: orgkey service restart'});
    }
  }

  stop(): void {
    for (const server of this.#open) server.stop();
  }
}
