import {randomUUID} from 'node:crypto';
import {startTimer} from '../start-timer.ts';
import {OrgkeyError} from '../text/orgkey-error.ts';
import {TIME_BUDGET} from '../time-budget.ts';

interface OpenCallsParts {
  /** Asks the daemon for any answer. */
  readonly ping: () => void;
  readonly silence: () => Error;
}

interface Call {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The calls of a connection that wait for their answers. A call may take as long as a user takes to sign in; the daemon
 * answers pings meanwhile, so that its silence is noticed.
 */
export class OpenCalls {
  readonly #parts: OpenCallsParts;
  readonly #waiting = new Map<string, Call>();
  #isHeard = true;
  #stopTimer: (() => void) | undefined;
  #ended: Error | undefined;

  constructor(parts: OpenCallsParts) {
    this.#parts = parts;
  }

  /** Sends a call under a new id. */
  begin(send: (id: string) => void): Promise<never> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, {resolve, reject});
      this.#isHeard = true;
      if (this.#stopTimer === undefined) this.#beat();
      send(id);
    });
  }

  settle({id, result, error}: {readonly id: string; readonly result: never; readonly error?: string}): void {
    this.hear();
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#rest();
    if (error === undefined) call?.resolve(result);
    else call?.reject(new OrgkeyError('ERR_CALL', error));
  }

  /** Notes a sign of life. */
  hear(): void {
    this.#isHeard = true;
  }

  /** Fails all calls, also those to come. */
  end(error: Error): void {
    this.#ended ??= error;
    this.#failAll(error);
  }

  #failAll(error: Error): void {
    for (const {reject} of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#rest();
  }

  #beat(): void {
    this.#stopTimer = startTimer(TIME_BUDGET.pulse, () => {
      if (!this.#isHeard) return this.#failAll(this.#parts.silence());
      this.#isHeard = false;
      this.#parts.ping();
      this.#beat();
    });
  }

  #rest(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}
