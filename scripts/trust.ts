/**
 * usage: scripts/with-node node scripts/trust.ts [WORD]
 *
 * Breaks each defence of scripts/trust/defences.json in a copy of the checkout, and runs the test that must fail then; with
 * a word, only those whose promise has it. Then prints the other figures of trust. Exits 1 if a break is not noticed.
 */
import {spawn} from 'node:child_process';
import {cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {cpus, tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {readDefences, type Defence} from './trust/defences.ts';
import {otherFigures} from './trust/figures.ts';

const root = join(import.meta.dirname, '..');
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.cache', 'node_modules', 'dist']);
const word = process.argv[2] ?? '';
const waiting = readDefences().filter(({promise}) => promise.includes(word));
const total = waiting.length;
/** For one test without news, in milliseconds. */
const LIMIT = 300_000;

let unnoticed = 0;

/** Breaks one defence after the other in a copy of its own. */
async function work(): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'orgkey-trust-'));
  try {
    cpSync(root, copy, {recursive: true, filter: (path) => !LEFT_OUT.has(basename(path))});
    // packages, and the programs that tests need
    for (const name of ['node_modules', '.cache']) symlinkSync(join(root, name), join(copy, name));
    for (let defence = waiting.shift(); defence; defence = waiting.shift())
      tell(defence, await failing(defence, copy));
  } finally {
    rmSync(copy, {recursive: true, force: true});
  }
}

/** Returns the first test that fails once the defence is broken. */
async function failing({file, from, to, test, match}: Defence, copy: string): Promise<string | undefined> {
  const path = join(copy, file);
  const whole = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    whole.replace(from, () => to),
  );
  const start = performance.now();
  const output = await runAva(copy, ['--tap', '--timeout', `${LIMIT}ms`, test, '-m', match]);
  const took = performance.now() - start;
  writeFileSync(path, whole);
  // ava prints the plan at the end
  const isWhole = /^1\.\.\d+$/m.test(output);
  if (!isWhole && took < LIMIT) throw new Error(`${test} ran no test`);
  if (!isWhole) return 'the test does not end';
  if (!/^(?:not )?ok (?!.*# SKIP)/m.test(output)) return 'nothing: this machine skips the test';
  return /^not ok \d+ - (?!Couldn't find|No tests)(.*)$/m.exec(output)?.[1];
}

function runAva(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const ava = join(root, 'node_modules/ava/entrypoints/cli.js');
    const child = spawn(process.execPath, [ava, ...args], {cwd, stdio: ['ignore', 'pipe', 'ignore']});
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}

function tell({promise, against}: Defence, test: string | undefined): void {
  if (test === undefined) unnoticed++;
  console.log(`${test === undefined ? 'FAILED' : 'ok    '}  ${promise} (${against})`);
  console.log(`        ${test === undefined ? 'broken, and no test fails' : `broken, this fails: ${test}`}`);
}

await Promise.all(Array.from({length: Math.min(2, cpus().length)}, work));
console.log(`\n${total - unnoticed} of ${total} defences: a break is noticed`);
if (word === '') for (const line of await otherFigures()) console.log(line);
process.exitCode = unnoticed === 0 ? 0 : 1;
