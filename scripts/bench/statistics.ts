/** Returns the middle value; the later of two middle ones; `NaN` of an empty list. */
export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

/** Returns the median ratio of values that were measured side by side: what disturbed both cancels out. */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) throw new Error('not measured in pairs');
  return median(ours.map((value, at) => value / (theirs[at] ?? NaN)));
}

/** Runs each in turns, so that other load affects all of them. Returns milliseconds of each. */
export async function inTurns<Name extends string>(
  rounds: number,
  ways: Readonly<Record<Name, () => Promise<unknown>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(ways) as Name[];
  const took = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++)
    // The first one has colder caches, so they take turns
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const start = performance.now();
      await ways[name]();
      took[name].push(performance.now() - start);
    }
  return took;
}
