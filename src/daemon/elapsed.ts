/**
 * Returns the milliseconds of a clock that is never set. `performance` has the same, but Node loads eight modules for it,
 * which takes a cold start a millisecond.
 */
export function elapsed(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
