import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const file = join(import.meta.dirname, '../../docs/faults.md');

export interface FaultRow {
  readonly title: string;
  readonly gitWorks: boolean;
  readonly finding: string;
  readonly repair: string;
}

/**
 * Writes one table of docs/faults.md if `ORGKEY_RECORD_FAULTS` is set. Returns the titles that the table does not have.
 */
export function recordFaults(table: string, rows: readonly FaultRow[]): string[] {
  const text = readFileSync(file, 'utf8');
  const start = text.indexOf(`<!-- ${table} -->`);
  const end = text.indexOf('<!-- end -->', start);
  if (process.env['ORGKEY_RECORD_FAULTS']) {
    const lines = rows.map(
      ({title, gitWorks, finding, repair}) =>
        `| ${title}${gitWorks ? ' (git works)' : ''} | ${cell(finding)} | ${repair.split('\n').map(cell).join('<br>')} |\n`,
    );
    const head = '| Fault | Doctor says | Repair |\n| --- | --- | --- |\n';
    const whole = `<!-- ${table} -->\n\n${head}${lines.join('')}\n`;
    writeFileSync(file, text.slice(0, start) + whole + text.slice(end));
    return [];
  }
  const written = text.slice(start, end);
  return rows.map(({title}) => title).filter((title) => !written.includes(`| ${title}`));
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('<', '&lt;');
}
