import type {Notice} from '../../control/control-protocol.ts';
import type {Log} from '../record/log.ts';

/** What the daemon serves beside git's sockets. One that can't be opened is told, and takes nothing down with it. */
export class SideServers {
  readonly #log: Log;
  readonly #open = new Map<string, {readonly where: string; stop(): void}>();
  readonly #notices = new Map<string, Notice>();
  #last: Promise<void> = Promise.resolve();

  constructor(log: Log) {
    this.#log = log;
  }

  get notices(): readonly Notice[] {
    return [...this.#notices.values()];
  }

  /**
   * Serves it there, and no longer where it was served before; `undefined`: nowhere. What could not be opened is tried
   * again each time. One after the other: whoever asks twice at once gets the latter.
   */
  async serve(
    name: string,
    where: string | undefined,
    open: (where: string) => Promise<{stop(): void}>,
  ): Promise<void> {
    this.#last = this.#last.then(() => this.#serve(name, where, open));
    await this.#last;
  }

  async #serve(
    name: string,
    where: string | undefined,
    open: (where: string) => Promise<{stop(): void}>,
  ): Promise<void> {
    const before = this.#open.get(name);
    if (before !== undefined && before.where === where) return;
    before?.stop();
    this.#open.delete(name);
    this.#notices.delete(name);
    if (where === undefined) return;
    try {
      const server = await open(where);
      this.#open.set(name, {where, stop: () => server.stop()});
    } catch (error) {
      const message = `the ${name} cannot be served: ${error instanceof Error ? error.message : String(error)}`;
      this.#log('error', message);
      this.#notices.set(name, {level: 'yellow', message, hint: 'mend it, then run: orgkey service restart'});
    }
  }

  stop(): void {
    for (const server of this.#open.values()) server.stop();
  }
}
