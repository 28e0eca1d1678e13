import type {Notice} from '../../control/control-protocol.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {Turns} from '../../turns.ts';
import type {Log} from '../record/log.ts';

type Open = (where: string) => Promise<Server>;

interface Server {
  /** May take a moment. */
  stop(): void | Promise<void>;
}

/** The servers next to git's sockets. A failure of one is reported, and does not affect the others. */
export class SideServers {
  readonly #log: Log;
  readonly #open = new Map<string, {readonly where: string; readonly server: Server}>();
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
    await before?.server.stop();
    this.#open.delete(name);
    this.#notices.delete(name);
    if (where === undefined) return;
    try {
      const server = await open(where);
      this.#open.set(name, {where, server});
    } catch (error) {
      this.#log('error', this.#warn(name, `the ${name} cannot be served: ${messageOf(error)}`));
    }
  }

  /** Takes note of what does not work, or that it works again. */
  note(name: string, problem: string | undefined): void {
    if (problem !== undefined) this.#log('warn', this.#warn(name, problem));
    else if (this.#notices.delete(name)) this.#log('info', `${name}: works again`);
  }

  #warn(name: string, message: string): string {
    this.#notices.set(name, {level: 'warning', message, hint: 'repair it, then run: orgkey service restart'});
    return message;
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#open.values(), async ({server}) => server.stop()));
  }
}
