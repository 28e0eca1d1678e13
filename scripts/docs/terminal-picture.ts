import {readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';

interface RecordedCommand {
  readonly command: string;
  readonly output: string;
}

interface Line {
  readonly text: string;
  readonly kind: 'command' | 'output' | 'good';
}

/** In pixels. */
const FONT_SIZE = 13;
const LINE_HEIGHT = 19;
const MARGIN = 18;
const TITLE_HEIGHT = 34;
/** Of a monospaced font: width of a character by its height. */
const CHARACTER = 0.602;

const root = resolve(import.meta.dirname, '../..');

/** Returns docs/terminal.svg: the session that `scripts/demo --record` wrote, as a picture. */
export function terminalPicture(): string {
  const session: readonly RecordedCommand[] = JSON.parse(
    readFileSync(join(root, 'docs/session.json'), 'utf8'),
  );
  const all = session.flatMap(linesOf).slice(0, -1);
  const columns = Math.max(...all.map(({text}) => text.length));
  const width = Math.ceil(columns * FONT_SIZE * CHARACTER) + 2 * MARGIN;
  const height = TITLE_HEIGHT + all.length * LINE_HEIGHT + MARGIN;
  const rows = all.map(({text, kind}, index) => {
    const y = TITLE_HEIGHT + (index + 1) * LINE_HEIGHT - 5;
    return text === '' ? '' : `  <text x="${MARGIN}" y="${y}" class="${kind}">${escape(text)}</text>\n`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="A terminal: a clone with submodules, orgkey status and orgkey which">
  <style>
    text { font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
    .command { fill: #e6edf3; font-weight: 600 }
    .output { fill: #b1bac4 }
    .good { fill: #56d364 }
  </style>
  <rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
  <circle cx="20" cy="17" r="5.5" fill="#ff5f57"/>
  <circle cx="38" cy="17" r="5.5" fill="#febc2e"/>
  <circle cx="56" cy="17" r="5.5" fill="#28c840"/>
${rows.join('')}</svg>
`;
}

function linesOf({command, output}: RecordedCommand): Line[] {
  const printed = output.trimEnd().split('\n');
  return [
    {text: `$ ${command}`, kind: 'command'},
    ...printed.map((text): Line => ({text, kind: /^everything is well$/.test(text) ? 'good' : 'output'})),
    {text: '', kind: 'output'},
  ];
}

/** A viewer would otherwise collapse runs of spaces. */
function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(' ', '\u{a0}');
}
