// usage: node scripts/docs.ts [--check]
// Writes the generated documents below docs/. With --check it writes nothing: it exits with 1 if one of them is not
// current, or if an error code is not explained.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {commandReference} from './docs/command-reference.ts';
import {configurationReference} from './docs/configuration-reference.ts';
import {codeProblems, errorReference} from './docs/error-reference.ts';

const root = resolve(import.meta.dirname, '..');
const {values} = parseArgs({options: {check: {type: 'boolean', default: false}}});

const documents: Readonly<Record<string, string>> = {
  'docs/commands.md': commandReference(),
  'docs/configuration.md': configurationReference(),
  'docs/errors.md': errorReference(),
};

const outdated = Object.entries(documents).filter(([path, text]) => text !== readIfThere(path));
const problems = codeProblems();
if (values.check) {
  for (const [path] of outdated) problems.push(`${path} is not current: run node scripts/docs.ts`);
} else {
  for (const [path, text] of outdated) {
    mkdirSync(dirname(join(root, path)), {recursive: true});
    writeFileSync(join(root, path), text);
    console.log(`wrote ${path}`);
  }
}
for (const problem of problems) console.error(`docs: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}
