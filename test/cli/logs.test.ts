import test from 'ava';
import {main, patConfiguration, Person} from '../helpers/command-line.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';
import {inMountNamespace, whyNotContained} from '../helpers/run-contained.ts';
import {testUnless} from '../helpers/test-unless.ts';

test.serial('logs, metrics and cache clear ask the daemon', async (t) => {
  const {person} = await personWithDaemon(t);
  t.regex((await person.run('logs')).stdout, /^\d\d:\d\d:\d\d info +\S.*$/m);
  await t.notThrowsAsync(async () =>
    JSON.parse((await person.run('logs --json')).stdout.split('\n')[0] ?? ''),
  );
  t.regex((await person.run('metrics')).stdout, /^orgkey_build_info\{version="[^"]+"\} 1$/m);
  await person.run('token contoso');
  t.regex((await person.run('cache clear')).stderr, /^dropped \d+ tokens?;/);
  const audit = await person.run('logs --audit');
  t.is(audit.code, 0, audit.stderr);
  const entries = audit.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.true(entries.some(({organization}) => organization === 'contoso'));
  t.false(audit.stdout.includes('canary'));
});

function at(second: number): string {
  return `{"schemaVersion":1,"time":"2026-11-21T00:00:0${second}.000Z","outcome":"${second}"}\n`;
}

testUnless(whyNotContained(), test.serial)(
  "the audit trail of the machine's daemon is in its own directory",
  async (t) => {
    const person = new Person(t);
    const line = '{"time":"2026-11-21T00:00:00.000Z","event":"get"}';
    const listen = "net.createServer().listen('/run/orgkey/git.sock', () => process.exit())";
    const script = `set -e
    mount -n -t tmpfs none /run; mount -n -t tmpfs none /var/lib; mkdir -m 711 /run/orgkey; mkdir -m 700 /var/lib/orgkey
    '${process.execPath}' -e "${listen}"
    orgkey() { '${process.execPath}' '${main}' logs --audit "$@"; }
    orgkey && exit 1
    echo '${line}' > /var/lib/orgkey/audit.jsonl
    orgkey
    orgkey --state-dir "$HOME" && exit 1
    chmod 755 "$HOME"
    setpriv --reuid 12345 --regid 12345 --clear-groups '${process.execPath}' '${main}' logs --audit && exit 1
    exit 0`;
    const {code, stdout, stderr} = await person.spawn(...inMountNamespace(script));
    t.is(code, 0, stderr);
    t.is(stdout, `${line}\n`);
    t.regex(stderr, /no credential was handed out yet\n.*\/var\/lib\/orgkey\/audit.jsonl/);
    t.regex(stderr, /you may not read the audit trail.*\n.*sudo orgkey logs --audit/);
  },
);

test.serial('the audit trails of all sockets are printed in order of time', async (t) => {
  const person = new Person(t);
  const state = '.local/state/orgkey';
  person.write(`${state}/audit.jsonl`, at(1) + at(4));
  person.write(`${state}/audit.jsonl.1`, at(0));
  person.write(`${state}/audit.team-a.jsonl`, at(3) + at(2) + at(4).slice(0, -1));
  person.write(`${state}/audit.team-b.jsonl`, at(5));
  const {code, stdout} = await person.run('logs --audit');
  t.is(stdout, [0, 1, 2, 3, 4, 5].map(at).join(''), 'with full files, without half lines');
  t.is(code, 0);
  t.is((await person.run('logs', ['--audit', '-n', '2'])).stdout, at(4) + at(5));
  t.is((await person.run('logs', ['--audit', '--since', '2026-11-21T00:00:04.500Z'])).stdout, at(5));
});

function numbered(boot: string, seq: number): string {
  return `{"boot":"${boot}","seq":${seq},"time":"2026-11-21T00:00:0${seq}.000Z","event":"get"}\n`;
}

test.serial('a gap in the audit trail and a line that cannot be read are reported', async (t) => {
  const person = new Person(t);
  const state = '.local/state/orgkey';
  person.write(`${state}/audit.jsonl.1`, numbered('a', 3) + numbered('a', 4) + numbered('b', 1));
  // another file has numbers of its own
  person.write(`${state}/audit.team.jsonl`, numbered('b', 1));
  person.write(`${state}/audit.jsonl`, numbered('b', 2));
  const whole = await person.run('logs --audit');
  t.is(whole.code, 0, whole.stderr);
  person.write(`${state}/audit.jsonl`, `${numbered('b', 2)}{"half\n${numbered('b', 5)}`);
  const {code, stdout, stderr} = await person.run('logs --audit');
  t.is(code, 1);
  t.regex(stderr, /error: 2 lines of the audit trail were lost\n/);
  t.regex(stderr, /error: 1 line of the audit trail cannot be read\n/);
  t.notThrows(() =>
    stdout
      .trim()
      .split('\n')
      .map((each): unknown => JSON.parse(each)),
  );
  t.is(
    (await person.run('logs', ['--audit', '-n', '1'])).code,
    0,
    'nothing is missing in what was asked for',
  );
});

test.serial(
  'the log is JSON for programs, also below a service, and its last lines can be chosen',
  async (t) => {
    const daemon = await daemonFor(t, {
      configuration: patConfiguration,
      environment: {JOURNAL_STREAM: '1:2'},
    });
    const person = new Person(t, {...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
    t.notThrows(
      () => JSON.parse(daemon.stderr.split('\n')[0] ?? ''),
      'the variable belongs to another process',
    );
    const {stdout} = await person.run('logs', ['--json', '-n', '1']);
    t.is(stdout.split('\n').length, 2);
    t.notThrows(() => JSON.parse(stdout) as unknown);
    t.is((await person.run('logs', ['--since', '2999-01-01'])).stdout, '');
    t.is((await person.run('logs', ['--since', 'nonsense'])).code, 2);
  },
);

test.serial('the form of the log can be named, and the kept lines are JSON nevertheless', async (t) => {
  const daemon = await daemonFor(t, {configuration: patConfiguration, args: ['--log-format', 'journal']});
  t.regex(daemon.stderr, /^<6>configuration: /m);
  const person = new Person(t, {...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
  await t.notThrowsAsync(
    async () => JSON.parse((await person.run('logs', ['--json', '-n', '1'])).stdout) as unknown,
  );
});

test.serial('without a daemon the log file is printed', async (t) => {
  const person = new Person(t);
  t.is((await person.run('logs')).code, 3);
  person.write(
    '.local/state/orgkey/daemon.log',
    '{"time":"2026-11-21T00:00:00.000Z","level":"warn","message":"a"}\n',
  );
  const {code, stdout} = await person.run('logs');
  t.is(code, 0);
  t.is(stdout, '00:00:00 warn    a\n');
  person.write(
    '.local/state/orgkey/daemon.log.1',
    '{"time":"2026-11-20T00:00:00.000Z","level":"info","message":"b"}\n',
  );
  t.regex((await person.run('logs')).stdout, /info +b\n.*warn +a\n$/, 'with the file before it');
});
