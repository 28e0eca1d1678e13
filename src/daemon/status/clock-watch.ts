import type {Clock} from '../../token/token.ts';
import type {Notice} from '../../control/control-protocol.ts';
import {describeSkew} from '../../text/describe-skew.ts';

/** Compares our clock with the `Date` headers of servers. */
export class ClockWatch {
  readonly #clock: Clock;
  /** When this machine started, by their clock, in milliseconds since epoch. */
  #startUp: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How far our clock is ahead, in milliseconds, to about a second. `undefined`: no server was asked yet. */
  get skew(): number | undefined {
    return this.#startUp === undefined
      ? undefined
      : Math.round(this.#clock.wall() - (this.#startUp + this.#clock.uptime()));
  }

  /** Notes the last answer. A clock that is set afterwards counts at once, without another answer. */
  note({skew}: {readonly skew: number | undefined}): void {
    if (skew !== undefined) this.#startUp = this.#clock.wall() - skew - this.#clock.uptime();
  }

  get notices(): Notice[] {
    const message = describeSkew(this.skew);
    return message === undefined
      ? []
      : [{level: 'warning', about: 'clock', message, hint: 'set the clock: timedatectl set-ntp true'}];
  }
}
