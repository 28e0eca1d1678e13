import type {Clock} from '../../token/token.ts';
import type {Notice} from '../../control/control-protocol.ts';
import {describeSkew} from '../../text/describe-skew.ts';

/** What the `Date` headers of those who are asked say about our clock. */
export class ClockWatch {
  readonly #clock: Clock;
  /** When we were started up, by their clock; in milliseconds since epoch. */
  #startUp: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How far our clock is ahead, in milliseconds, to about a second; `undefined`: nobody was asked yet. */
  get skew(): number | undefined {
    return this.#startUp === undefined
      ? undefined
      : Math.round(this.#clock.wall() - (this.#startUp + this.#clock.uptime()));
  }

  /** The last answer counts, and the clock as it is set now: whoever puts it right need not wait for the next. */
  note({skew}: {readonly skew: number | undefined}): void {
    if (skew !== undefined) this.#startUp = this.#clock.wall() - skew - this.#clock.uptime();
  }

  get notices(): Notice[] {
    const message = describeSkew(this.skew);
    return message === undefined
      ? []
      : [{level: 'yellow', about: 'clock', message, hint: 'set the clock: timedatectl set-ntp true'}];
  }
}
