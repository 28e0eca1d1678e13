import test from 'ava';
import {PassThrough} from 'node:stream';
import {DoctorReport} from '../../../src/cli/doctor/doctor-report.ts';
import {Terminal} from '../../../src/cli/terminal.ts';
import {diagnosticsOf} from '../../../src/diagnostics/diagnostic.ts';

function report(targets: number) {
  const stdout = new PassThrough().setEncoding('utf8');
  const stderr = new PassThrough().setEncoding('utf8');
  const streams = {
    stdin: process.stdin,
    stdout,
    stderr: Object.assign(stderr, {isTTY: true}),
    exit: () => {},
  };
  // @ts-expect-error a test's streams are not terminals
  const terminal = new Terminal(streams, {NO_COLOR: '1'});
  return {
    doctor: new DoctorReport(terminal, targets),
    printed: () => String(stdout.read() ?? ''),
    progress: () => String(stderr.read() ?? ''),
  };
}

test('a repair is printed once', (t) => {
  const {doctor, printed} = report(1);
  const {failed} = diagnosticsOf('git');
  doctor.start('git');
  doctor.add(failed('helper', 'git does not ask orgkey', 'orgkey setup'));
  doctor.add(failed('wrapper', 'git is not set up', 'orgkey setup'));
  doctor.end();
  t.is(
    printed(),
    `git
✗ helper: git does not ask orgkey
  repair: orgkey setup
✗ wrapper: git is not set up
  repair: as above
`,
  );
});

test('organizations with the same findings are printed together', (t) => {
  const {doctor, printed} = report(4);
  doctor.start('git');
  doctor.add(diagnosticsOf('git').ok('version', '2.47.3'));
  for (const name of ['contoso', 'fabrikam', 'northwind', 'tailspin']) {
    doctor.start(name);
    const {ok, failed} = diagnosticsOf(name);
    doctor.add(
      name === 'fabrikam'
        ? ok('sign-in', 'as ann')
        : failed('sign-in', 'not a member', `add it: https://dev.azure.com/${name}/_settings/users`),
    );
  }
  doctor.end();
  const text = printed();
  t.regex(text, /^git\n✓ version: 2\.47\.3\n\ncontoso, northwind, tailspin\n✗ sign-in: not a member\n/);
  t.regex(text, /\nfabrikam\n✓ sign-in: as ann\n$/);
});

test('a check that takes a moment is named on the terminal, until it has ended', async (t) => {
  const {doctor, progress} = report(1);
  doctor.start('network');
  let shown = '';
  while (!shown.includes('checking network …')) {
    await new Promise((resolve) => setImmediate(resolve));
    shown += progress();
  }
  doctor.add(diagnosticsOf('network').ok('dev.azure.com', 'reached'));
  t.is(progress(), '\r\u001b[K');
  doctor.end();
});
