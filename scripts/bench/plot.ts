import {renderNumber, type Group} from './row.ts';

type Plot = NonNullable<Group['plot']>;

/** In pixels. */
const WIDTH = 720;
const NAMES = 250;
const FIGURES = 90;
const LINE = 26;
const HEAD = 40;

/** Draws horizontal bars, ours in another color. The text follows the reader's color scheme. */
export function renderPlot({title, unit, bars}: Plot): string {
  const longest = Math.max(...bars.map(({value}) => value));
  const room = WIDTH - NAMES - FIGURES;
  const height = HEAD + bars.length * LINE + 8;
  const lines = bars.map(({name, value, isOurs}, at) => {
    const y = HEAD + at * LINE;
    const length = Math.max(1, (value / longest) * room).toFixed(1);
    return `  <text x="${NAMES - 10}" y="${y + 15}" text-anchor="end">${escape(name)}</text>
  <rect x="${NAMES}" y="${y + 2}" width="${length}" height="${LINE - 8}" rx="3" class="${isOurs ? 'ours' : 'theirs'}"/>
  <text x="${NAMES + Number(length) + 8}" y="${y + 15}">${escape(`${renderNumber(value)} ${unit}`)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600 }
    .ours { fill: #0969da }
    .theirs { fill: #8c959f }
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #4493f8 } .theirs { fill: #6e7681 } }
  </style>
  <text x="10" y="22" class="title">${escape(title)}</text>
${lines.join('\n')}
</svg>
`;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
