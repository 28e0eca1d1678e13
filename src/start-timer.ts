/**
 * Fraction of each time limit that is held back, so that data which arrived while the process was stalled is read
 * before we give up.
 */
const RESERVE = 1 / 10;

/** Runs `act` after `milliseconds`. Returns a function that cancels it. */
type Schedule = (act: () => void, milliseconds: number) => () => void;

/**
 * Runs `act` after `milliseconds`. Returns a function that cancels it. If the process was stalled in between (a busy
 * or frozen machine), the last tenth of the time starts when it runs again.
 */
export function startTimer(milliseconds: number, act: () => void, schedule = withNode): () => void {
  const reserve = milliseconds * RESERVE;
  let cancel = schedule(() => {
    cancel = schedule(act, reserve);
  }, milliseconds - reserve);
  return () => cancel();
}

const withNode: Schedule = (act, milliseconds) => {
  const timer = setTimeout(act, milliseconds);
  return () => clearTimeout(timer);
};
