// usage: { ava --tap; echo "# exit $?"; } | node scripts/summarize-tests.ts FAILED-STEPS [RECORD]
// Shows what fails when it fails, what was skipped and why, and the closing line. Exits 1 if anything failed. There may
// be several runs of ava in the input. RECORD: what scripts/record-test-file.ts wrote.
import {existsSync, readFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import type {TestFileRecord} from './record-test-file.ts';

let passed = 0;
let failed = Number(process.argv[2] ?? 0);
let skipped = 0;
const exits: string[] = [];
/** The lines behind a failed test are shown until the next test. */
let isShowing = false;

for await (const line of createInterface({input: process.stdin})) {
  const ended = /^# exit (\d+)$/.exec(line)?.[1];
  if (ended !== undefined) {
    exits.push(ended);
  } else if (/^(?:not )?ok \d+/.test(line)) {
    isShowing = false;
    if (/# (?:SKIP|TODO)\b/i.test(line)) {
      skipped++;
      console.log(`skipped: ${line.replace(/^(?:not )?ok \d+ - /, '')}`);
    } else if (line.startsWith('not ok')) {
      failed++;
      isShowing = true;
      console.log(line);
    } else if (++passed % 100 === 0) {
      console.log(`${passed} passed ...`);
    }
  } else if (/^# \d+ tests? remaining in /.test(line)) {
    failed++;
    console.log(line.slice(2));
  } else if (isShowing || line.startsWith('Bail out')) {
    console.log(line);
  }
}

for (const {file, message} of faultsOfFiles(readRecord(process.argv[3]))) {
  failed++;
  console.log(`${file}: ${message}`);
}
if (passed === 0) {
  failed++;
  console.log('no test ran');
}
const badExit = exits.length === 0 ? 'nothing' : exits.find((code) => code !== '0');
if (badExit !== undefined && failed === 0) {
  failed++;
  console.log(`ava ended with ${badExit}`);
}
console.log(`\n${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exitCode = failed === 0 ? 0 : 1;

function readRecord(path: string | undefined): TestFileRecord[] {
  if (path === undefined || !existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Returns what ava does not count as a failed test: exceptions outside of tests, and files that it had to kill. */
function faultsOfFiles(records: readonly TestFileRecord[]): {file: string; message: string}[] {
  return [...Map.groupBy(records, ({file}) => file)].flatMap(([file, events]) => {
    const faults = events.flatMap(({event, message = ''}) => (event === 'fault' ? [message] : []));
    if (!events.some(({event}) => event === 'end')) faults.push('did not end, so ava killed it');
    return faults.map((message) => ({file, message}));
  });
}
