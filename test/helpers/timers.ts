import type {StartTimer} from '../../src/ssh/grant/single-use-socket.ts';

/** The machine's own timers; they hold no process back. */
export const startTimer: StartTimer = (milliseconds, act) => {
  const timer = setTimeout(act, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
};

/** Timers that a test sets off by hand. */
export class ManualTimers {
  readonly #waiting = new Map<() => void, number>();

  readonly start: StartTimer = (milliseconds, act) => {
    const once = () => act();
    this.#waiting.set(once, milliseconds);
    return () => this.#waiting.delete(once);
  };

  /** Sets off every timer of this length; how many there were. */
  fire(milliseconds: number): number {
    const due = [...this.#waiting].filter(([, length]) => length === milliseconds).map(([act]) => act);
    for (const act of due) {
      this.#waiting.delete(act);
      act();
    }
    return due.length;
  }
}
