/** Of its time, each limit keeps so much back for what arrived while nothing could be read. */
const RESERVE = 1 / 10;

/**
 * Does it later, after milliseconds. Gives what cancels it. Where this process was held up meanwhile (a machine with too
 * much to do, or one that was frozen) the last tenth of the time comes after that: what has arrived is read before it is
 * given up.
 */
export function startTimer(milliseconds: number, act: () => void): () => void {
  const reserve = milliseconds * RESERVE;
  let timer = setTimeout(() => {
    timer = setTimeout(act, reserve);
  }, milliseconds - reserve);
  return () => clearTimeout(timer);
}
