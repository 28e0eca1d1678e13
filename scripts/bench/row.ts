/** One figure of the benchmark. */
export interface Row {
  readonly what: string;
  readonly value: number;
  /** `×` for ratios. */
  readonly unit: string;
  /** The target, if it has one. */
  readonly target?: {readonly atMost: number} | {readonly atLeast: number};
  /** What the figure was computed from, or what it is compared with. */
  readonly note?: string;
}

/** The result of a group. */
export interface Group {
  readonly rows: readonly Row[];
  /** The bars of one plot, on one scale, longest last. */
  readonly plot?: {
    readonly title: string;
    readonly unit: string;
    readonly bars: readonly {readonly name: string; readonly value: number; readonly isOurs: boolean}[];
  };
}

/** A group that cannot be measured here, and why. */
export class Skipped extends Error {}

export function isReached({value, target}: Row): boolean | undefined {
  if (target === undefined) return undefined;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}

/** Returns a table for a terminal. */
export function renderRows(rows: readonly Row[]): string {
  return rows
    .map((row) => {
      const reached = isReached(row);
      const sign = reached === undefined ? ' ' : reached ? '✓' : '✗';
      const figure = `${renderNumber(row.value)} ${row.unit}`.padStart(14);
      const note = row.note === undefined ? '' : `  ${row.note}`;
      return `${sign} ${row.what.padEnd(66)}${figure}  ${renderTarget(row).padEnd(10)}${note}`.trimEnd();
    })
    .join('\n');
}

/** Rounds to the digits that mean something. */
export function renderNumber(value: number): string {
  if (!Number.isFinite(value)) return '?';
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value >= 10 ? 1 : 2);
}

function renderTarget({target}: Row): string {
  if (target === undefined) return '';
  return 'atMost' in target ? `≤ ${renderNumber(target.atMost)}` : `≥ ${renderNumber(target.atLeast)}`;
}
