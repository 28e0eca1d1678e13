// usage: node scripts/measure.ts [--tighten] [--list FIGURE]
// Prints the figures of the source that must not get worse, each with its limit. Exits 1 if one exceeds its limit.
// --tighten lowers each limit to the figure of today. --list prints the places that a figure counts.
import {readFileSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {measure} from './measure/figures.ts';

const root = resolve(import.meta.dirname, '..');
const file = join(import.meta.dirname, 'measure/limits.json');
const {values} = parseArgs({options: {tighten: {type: 'boolean', default: false}, list: {type: 'string'}}});

const limits: Readonly<Record<string, number>> = JSON.parse(readFileSync(file, 'utf8'));
const figures = measure(root);
const worse = figures.filter(({name, value}) => value > (limits[name] ?? -1));

if (values.list === undefined) {
  for (const {name, value, detail} of figures) {
    const mark = value > (limits[name] ?? -1) ? '  <- exceeds its limit' : '';
    console.log(`${String(value).padStart(6)} (limit ${limits[name] ?? 'missing'})  ${name}${detail}${mark}`);
  }
} else {
  console.log(figures.find(({name}) => name === values.list)?.places.join('\n') ?? 'no such figure');
}

if (values.tighten) {
  const tightened = figures.map(({name, value}) => [name, Math.min(value, limits[name] ?? value)]);
  writeFileSync(file, `${JSON.stringify({...limits, ...Object.fromEntries(tightened)}, undefined, 2)}\n`);
} else if (worse.length > 0 && values.list === undefined) {
  for (const {name} of worse)
    console.error(`exceeds its limit: ${name} (places: scripts/measure.ts --list '${name}')`);
  process.exitCode = 1;
}
