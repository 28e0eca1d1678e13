import type {Notice} from '../../control/control-protocol.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {Turns} from '../../turns.ts';
import type {Log} from '../record/log.ts';

type Open = (where: string) => Promise<{stop(): void}>;

/** The servers next to git's sockets. A failure of one is reported, and does not affect the others. */
export class SideServers {
  readonly #log: Log;
  readonly #open = new Map<string, {readonly where: string; stop(): void}>();
  readonly #notices = new Map<string, Notice>();
  /** If two calls for one server overlap, the later one wins. */
  readonly #turns = new Turns();

  constructor(log: Log) {
    this.#log = log;
  }

  get notices(): readonly Notice[] {
    return [...this.#notices.values()];
  }

  /** Serves `name` at `where` only, or nowhere if that is `undefined`. A server that failed is tried again each time. */
  async serve(name: string, where: string | undefined, open: Open): Promise<void> {
    await this.#turns.take(() => this.#serve(name, where, open));
  }

  async #serve(name: string, where: string | undefined, open: Open): Promise<void> {
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
      const message = `the ${name} cannot be served: ${messageOf(error)}`;
      this.#log('error', message);
      this.#notices.set(name, {
        level: 'warning',
        message,
        hint: 'repair it, then run: orgkey service restart',
      });
    }
  }

  stop(): void {
    for (const server of this.#open.values()) server.stop();
  }
}
