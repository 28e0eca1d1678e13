export interface Figure {
  readonly name: string;
  /** The lower, the better. */
  readonly value: number;
  /** The worst place, to be printed behind the name; may be empty. */
  readonly detail: string;
  /** What was counted. */
  readonly places: readonly string[];
}

export function total(name: string, numbers: readonly number[]): Figure {
  return {name, value: numbers.reduce((a, b) => a + b, 0), detail: '', places: []};
}

export function counted(name: string, places: readonly string[]): Figure {
  return {name, value: places.length, detail: '', places};
}

export function largest(name: string, values: readonly (readonly [place: string, value: number])[]): Figure {
  const sorted = values.toSorted(([, a], [, b]) => b - a);
  const [place, value] = sorted[0] ?? ['nothing', 0];
  return {name, value, detail: `: ${place}`, places: sorted.map(([at, of]) => `${of} ${at}`)};
}
