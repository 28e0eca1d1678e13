import type {StartTimer} from '../../src/ssh/grant/single-use-socket.ts';

/** The machine's own timers; they do not keep a process alive. */
export const startTimer: StartTimer = (milliseconds, act) => {
  const timer = setTimeout(act, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
};

/** Timers that a test fires by hand. */
export class ManualTimers {
  readonly #waiting = new Map<() => void, number>();

  readonly start: StartTimer = (milliseconds, act) => {
    const once = () => act();
    this.#waiting.set(once, milliseconds);
    return () => this.#waiting.delete(once);
  };

  /** Fires every timer of this length, and returns their number. */
  fire(milliseconds: number): number {
    const due = [...this.#waiting].filter(([, length]) => length === milliseconds).map(([act]) => act);
    for (const act of due) {
      this.#waiting.delete(act);
      act();
    }
    return due.length;
  }
}
