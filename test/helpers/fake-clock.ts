import type {Clock} from '../../src/token/token.ts';

/** Two clocks that advance only on command. Milliseconds. */
export class FakeClock implements Clock {
  #wall = Date.UTC(2026, 10, 21);
  #uptime = 1_000_000;

  readonly wall = () => this.#wall;
  readonly uptime = () => this.#uptime;

  /** Advances both clocks; they do not tell sleep from waking. */
  pass(milliseconds: number): void {
    this.#wall += milliseconds;
    this.#uptime += milliseconds;
  }

  /** Sets the wall clock. */
  set(milliseconds: number): void {
    this.#wall += milliseconds;
  }
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const YEAR = 365 * DAY;
