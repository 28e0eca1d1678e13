/** Returns a moment as ISO 8601, which every file and every JSON output has. `moment`: milliseconds since epoch. */
export function isoTime<M extends number | undefined>(
  moment: M,
): M extends number ? string : string | undefined;
export function isoTime(moment: number | undefined): string | undefined {
  return moment === undefined ? undefined : new Date(moment).toISOString();
}
