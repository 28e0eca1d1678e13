import {widthOf, style, type Terminal} from './terminal.ts';

interface Column {
  readonly title: string;
  /** For numbers. Default: left. */
  readonly align?: 'right';
  /** Longer cells are cut to this width, in columns, if the table would be too wide. */
  readonly least: number;
}

/** Lays rows of printable cells out as lines of at most `width` columns. The first line holds the titles. */
export function layTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const wanted = columns.map(({title}, at) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[at] ?? ''))),
  );
  const widths = shrink(wanted, columns, width - GAP.length * (columns.length - 1));
  const titles = columns.map(({title}) => title);
  return [titles, ...rows].map((row) =>
    columns
      .map(({align}, at) => pad(row[at] ?? '', widths[at] ?? 0, align))
      .join(GAP)
      .trimEnd(),
  );
}

/** Prints rows of printable cells below their titles. */
export function printTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  terminal: Pick<Terminal, 'columns' | 'print'>,
): void {
  const [titles = '', ...lines] = layTable(columns, rows, terminal.columns);
  terminal.print([style('bold', titles), ...lines].join('\n'));
}

/** Narrows the widest column that may be narrowed, again and again, until the table fits. */
function shrink(wanted: readonly number[], columns: readonly Column[], room: number): number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, one) => sum + one, 0) - room;
  for (; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [at, one] of widths.entries()) {
      const least = Math.max(columns[at]?.least ?? 0, 1);
      if (one > least && (widest === -1 || one > (widths[widest] ?? 0))) widest = at;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  return widths;
}

function pad(cell: string, width: number, align: 'right' | undefined): string {
  const cut =
    widthOf(cell) > width
      ? `${Array.from(cell)
          .slice(0, width - 1)
          .join('')}…`
      : cell;
  const space = ' '.repeat(Math.max(0, width - widthOf(cut)));
  return align === 'right' ? space + cut : cut + space;
}

const GAP = '  ';
