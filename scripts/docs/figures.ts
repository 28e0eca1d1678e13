import {existsSync, readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {renderNumber, type Row} from '../bench/row.ts';
import {page, table} from './markdown.ts';

interface Results {
  readonly machine: {
    readonly node: string;
    readonly platform: string;
    readonly arch: string;
    readonly processors: number;
  };
  readonly groups: Readonly<
    Record<string, {readonly at: string; readonly load: number; readonly rows: readonly Row[]}>
  >;
}

const GROUPS: Readonly<Record<string, string>> = {
  'credential-fill': 'One request of git',
  load: 'Many clients',
  'cold-start': 'Cold start',
  memory: 'Memory, and requests to Entra',
  clones: 'Clones',
  gateway: 'Gateways',
  'submodule-keys': 'Submodules over SSH',
  tools: 'Helpers of other tools',
  organizations: 'Many organizations',
  fleet: 'Many machines',
};

const root = resolve(import.meta.dirname, '../..');
const results: Results = JSON.parse(readFileSync(join(root, 'bench/results.json'), 'utf8'));

/** Returns the five figures of the README, as lines of a list. */
export function fiveFigures(): string {
  const {machine} = results;
  const fill = (what: string) => figure('credential-fill', `git credential fill: ${what}`);
  const start = (kind: string) =>
    figure('cold-start', `first answer after a cold start under socket activation, ${kind}`);
  return `Measured with \`npm run bench\` on ${machine.processors} processors (${machine.platform} ${machine.arch}, Node ${machine.node}), on ${measuredOn()}. Each ratio compares two programs in the same run. [All figures, with plots](docs/performance.md).

- A \`git credential fill\` takes **${fill('orgkey, against')}** as long as with git's own in-memory cache. A helper in Node takes ${fill('a helper in Node')}, git-credential-oauth (Go) ${fill('git-credential-oauth')}.
- 16 clients get **${figure('load', 'requests per second, 16')}** requests a second answered, each with a line in the audit trail. Of 100,000 requests from 1,000 clients ${figure('load', 'the same: failed')} failed.
- The idle daemon takes **${figure('memory', 'resident memory')}** of memory, after 1,000 requests${noteOf('memory', 'resident memory')}.
- The first answer of a daemon that does not run yet takes **${start('PAT')}** as long as the start of an empty Node with a personal access token, and ${start('Entra')} with a token from Entra.
- Through a gateway, \`git ls-remote\` takes **${figure('gateway', 'git ls-remote through')}** as long as without, and git holds no secret.`;
}

/** Returns docs/performance.md: every row of bench/results.json. */
export function performancePage(): string {
  const {machine, groups} = results;
  return page([
    '# Performance',
    `\`npm run bench\` measures these figures and writes \`bench/results.json\`; \`npm run bench NAME\` measures one group. Ratios compare two programs in the same run, so they depend little on the machine: ${machine.platform} ${machine.arch}, ${machine.processors} processors, Node ${machine.node}. A load above the number of processors makes a group less reliable. \`npm run stress\` runs what takes too long for the tests.`,
    '## What is missed, and why',
    MISSED,
    ...Object.entries(groups).flatMap(([name, {at, load, rows}]) => [
      `## ${GROUPS[name] ?? name}`,
      `\`${name}\`, ${at.slice(0, 10)}, load ${load.toFixed(1)} at the start.`,
      table(
        ['Measured', 'Value', 'Target', 'Note'],
        rows.map((row) => [row.what, exactly(row), targetOf(row), row.note ?? '']),
      ),
      existsSync(join(root, `bench/${name}.svg`)) ? `![${GROUPS[name] ?? name}](../bench/${name}.svg)` : '',
    ]),
  ]);
}

/** Measured by hand, beside the benchmark. */
const MISSED = [
  '- **Requests a second.** Under the V8 flags of the daemon (decision 0011) the bare server itself reaches 0.69 × of its own rate: the optimizing compiler is worth 26 MB, and the daemon does without. What is left for all that orgkey does is 6 to 9 µs a request; it takes about 60.',
  "- **One request of git.** Beside git's own client the helper starts a timer of ten seconds, without which a daemon that hangs would hang git (decision 0030). It costs 0.1 to 0.3 ×.",
  '- **Memory.** It depends on how the kernel maps the program of Node: an empty Node took 41 MB on one day and 58 on the next, the daemon 60 and 80. The distance between the two is what orgkey takes.',
  '- **Gateways.** Git opens a connection to the gateway for each process, and makes two requests on it. With submodules, processes of git take most of the time. While packs are carried, a credential request can meet a pause of the garbage collection: without it, carrying 8 packs takes 60 MB more.',
  "- **The SSH relay.** 300 MB pass Node's streams twice, and ssh2's decryption runs on the one thread. Runs give 1.02 to 1.20 ×.",
].join('\n');

function measuredOn(): string {
  const dates = ['credential-fill', 'load', 'cold-start', 'memory'].map((name) =>
    results.groups[name]?.at.slice(0, 10),
  );
  return [...new Set(dates)].join(', ');
}

function figure(group: string, start: string): string {
  const row = results.groups[group]?.rows.find(({what}) => what.startsWith(start));
  if (row === undefined) throw new Error(`bench/results.json has no row "${start}" in ${group}`);
  return valueOf(row);
}

/** Returns what a figure is compared with, in brackets. */
function noteOf(group: string, start: string): string {
  const note = results.groups[group]?.rows.find(({what}) => what.startsWith(start))?.note;
  return note === undefined ? '' : ` (${note})`;
}

function valueOf({value, unit}: Row): string {
  if (unit === '×') return `${value.toFixed(1)} ×`;
  return `${renderNumber(unit === 'MB' ? Math.round(value) : value)} ${unit === '/s' ? '' : unit}`.trim();
}

function exactly({value, unit}: Row): string {
  return `${renderNumber(value)} ${unit}`.trim();
}

function targetOf({target, unit}: Row): string {
  if (target === undefined) return '';
  return 'atMost' in target
    ? `≤ ${renderNumber(target.atMost)} ${unit}`.trim()
    : `≥ ${renderNumber(target.atLeast)} ${unit}`.trim();
}
