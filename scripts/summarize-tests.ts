// usage: { ava --tap; echo "# exit $?"; } | node scripts/summarize-tests.ts FAILED-STEPS
// Shows what fails as it fails, what was skipped and why, and the closing line. Exits 1 if anything failed.
import {createInterface} from 'node:readline';

let passed = 0;
let failed = Number(process.argv[2] ?? 0);
let skipped = 0;
let exit: string | undefined;
/** Lines of a failed test's details are shown until the next test. */
let isShowing = false;

for await (const line of createInterface({input: process.stdin})) {
  const ended = /^# exit (\d+)$/.exec(line);
  if (ended) {
    exit = ended[1];
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
  } else if (isShowing || line.startsWith('Bail out')) {
    console.log(line);
  }
}
if (passed === 0) {
  failed++;
  console.log('no test ran');
}
if (exit !== '0' && failed === 0) {
  failed++;
  console.log(`ava ended with ${exit ?? 'nothing'}`);
}
console.log(`\n${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exitCode = failed === 0 ? 0 : 1;
