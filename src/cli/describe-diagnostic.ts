import type {Diagnostic} from '../diagnostics/diagnostic.ts';
import {isCommand} from '../diagnostics/steps-of.ts';
import {printable} from '../text/printable.ts';
import {style, type Style} from './terminal.ts';
import {wrap} from './wrap.ts';
import {countOf} from '../text/count-of.ts';

/** Lays a diagnostic out for a terminal. `lastGroup`: the group of the previous one, whose heading is not repeated. */
export function describeDiagnostic(
  {group, title, outcome, detail, repair}: Diagnostic,
  lastGroup: string | undefined,
  columns: number,
): string {
  const [sign, color] = SIGNS[outcome];
  const first = wrap(`${printable(title, 80)}: ${detail}`, columns - 2).join('\n  ');
  const lines = [`${color === undefined ? sign : style(color, sign)} ${first}`];
  if (repair !== undefined) lines.push(...layRepair(repair, columns));
  if (group === lastGroup) return lines.join('\n');
  const heading = style('bold', printable(group, 400));
  return [...(lastGroup === undefined ? [] : ['']), heading, ...lines].join('\n');
}

const SIGNS: Readonly<Record<Diagnostic['outcome'], readonly [sign: string, color: Style | undefined]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✗', 'red'],
  skipped: ['–', undefined],
};

/** A command is not wrapped, and stands alone in its line, so that it can be copied. */
function layRepair(repair: string, columns: number): string[] {
  const [first = '', ...more] = repair.split('\n');
  const text = `repair: ${first}`;
  const lines = [
    ...(isCommand(first) ? [text] : wrap(text, columns - 2, columns - 10)),
    ...more.flatMap((line) => (isCommand(line) ? [line] : wrap(line, columns - 10))),
  ];
  return lines.map((line, at) => `  ${at === 0 ? '' : '        '}${line}`);
}

/** Returns the last line of a report. */
export function summaryOf(failures: number, warnings: number): string {
  if (failures === 0 && warnings === 0) return style('green', 'everything is well');
  const parts = [
    ...(failures === 0 ? [] : [countOf(failures, 'failure')]),
    ...(warnings === 0 ? [] : [countOf(warnings, 'warning')]),
  ];
  return style(failures > 0 ? 'red' : 'yellow', parts.join(', '));
}
