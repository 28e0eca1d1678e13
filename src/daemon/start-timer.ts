/** A limit is counted in so many steps. */
const STEPS = 10;

/**
 * Does it later, after milliseconds. Gives what cancels it. Time in which this process was held up (a machine with too
 * much to do, or one that was frozen) counts as one step: what arrived meanwhile is read before it is given up.
 */
export function startTimer(milliseconds: number, act: () => void): () => void {
  let left = STEPS;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    act();
  }, milliseconds / STEPS);
  return () => clearInterval(timer);
}
