// usage: node scripts/bench.ts [GROUP...]
// Measures the figures of docs/performance.md, as ratios against something in the same run, and writes bench/results.json
// and the plots. Groups that are not named keep their figures.
import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {arch, cpus, loadavg, platform} from 'node:os';
import {join} from 'node:path';
import {dist} from './bench/built-daemon.ts';
import {measureClones} from './bench/clones.ts';
import {measureColdStart} from './bench/cold-start.ts';
import {measureCredentialFill} from './bench/credential-fill.ts';
import {measureFleet} from './bench/fleet.ts';
import {measureGateway} from './bench/gateway.ts';
import {measureLoad} from './bench/load.ts';
import {measureMemory} from './bench/memory.ts';
import {measureOrganizations} from './bench/organizations.ts';
import {renderPlot} from './bench/plot.ts';
import {Skipped, renderRows, type Group, type Row} from './bench/row.ts';
import {measureTools} from './bench/tools.ts';
import {measureSubmoduleKeys} from './bench/submodule-keys.ts';

const groups: Readonly<Record<string, () => Promise<Group>>> = {
  'credential-fill': measureCredentialFill,
  load: measureLoad,
  'cold-start': measureColdStart,
  memory: measureMemory,
  clones: measureClones,
  gateway: measureGateway,
  'submodule-keys': measureSubmoduleKeys,
  tools: measureTools,
  organizations: measureOrganizations,
  fleet: measureFleet,
};

interface Result {
  readonly rows: readonly Row[];
  /** ISO 8601. */
  readonly at: string;
  /** The load of the minute before the start: above the number of processors, the figures say little. */
  readonly load: number;
}

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in groups));
if (unknown.length > 0) {
  process.stderr.write(`no group ${unknown.join(', ')}; there are: ${Object.keys(groups).join(', ')}\n`);
  process.exit(2);
}

const out = join(import.meta.dirname, '../bench');
const file = join(out, 'results.json');
mkdirSync(out, {recursive: true});
execFileSync(process.execPath, [join(import.meta.dirname, 'build.ts'), '--out', dist], {stdio: 'ignore'});

const results = readResults();
for (const [name, measure] of Object.entries(groups)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const [load = 0] = loadavg();
  process.stdout.write(`\n${name} (load ${load.toFixed(1)})\n`);
  try {
    const {rows, plot} = await measure();
    results[name] = {at: new Date().toISOString(), load, rows};
    process.stdout.write(`${renderRows(rows)}\n`);
    if (plot !== undefined) writeFileSync(join(out, `${name}.svg`), renderPlot(plot));
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    process.stdout.write(`  skipped: ${error.message}\n`);
  }
  const machine = {node: process.version, platform: platform(), arch: arch(), processors: cpus().length};
  writeFileSync(file, `${JSON.stringify({schemaVersion: 1, machine, groups: results}, undefined, 2)}\n`);
}

function readResults(): Record<string, Result> {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as {groups: Record<string, Result>}).groups;
  } catch {
    return {};
  }
}
