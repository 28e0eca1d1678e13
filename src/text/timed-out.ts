/** A wait that ended without what it waited for. It has the fields of a failure, for whatever form is needed. */
export interface TimedOut {
  readonly code: 'ERR_TIMEOUT';
  readonly message: string;
  readonly hint: string;
}

/**
 * Describes a wait that took too long. `what` did not happen: "the issuer did not answer". `milliseconds`: the time that
 * it had, if we set it.
 */
export function timedOut(what: string, milliseconds: number | undefined, hint: string): TimedOut {
  return {code: 'ERR_TIMEOUT', message: `${what} ${limitIn(milliseconds)}`, hint};
}

function limitIn(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return 'in time';
  return milliseconds < 2 * 60_000
    ? `within ${Math.ceil(milliseconds / 1000)} s`
    : `within ${Math.round(milliseconds / 60_000)} min`;
}
