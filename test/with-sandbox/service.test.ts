import {mkdirSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {bubblewrap, sandbox, whyNoBubblewrap} from '../helpers/bubblewrap.ts';
import {main, Person} from '../helpers/command-line.ts';
import {helper} from '../helpers/daemon.ts';
import {testUnless} from '../helpers/test-unless.ts';

const inSandbox = testUnless(whyNoBubblewrap());

/** A user without a login session, whose plain service runs. */
async function withService(t: ExecutionContext) {
  const person = new Person(t, {XDG_RUNTIME_DIR: ''});
  const own = person.path('tmp');
  const other = person.path('other');
  for (const directory of [own, other]) mkdirSync(directory);
  person.configure();
  const started = await person.run('service start --service plain', [], {environment: {TMPDIR: own}});
  t.is(started.code, 0, started.stderr);
  t.teardown(() => person.run('service stop --service plain', [], {environment: {TMPDIR: own}}));
  const orgkey = (command: string, TMPDIR = own) => person.run(command, [], {environment: {TMPDIR}});
  /** Runs commands one after the other in one sandbox. */
  const contained = (mounts: readonly string[], ...commands: readonly string[]) => {
    const lines = commands.map((command) => `"$0" '${main}' ${command}; echo "= $?"`);
    const argv = [...sandbox(...mounts), 'sh', '-c', lines.join('\n'), process.execPath];
    return person.spawn(bubblewrap, argv, {environment: {TMPDIR: own}});
  };
  const pid = async () => /pid (\d+)/.exec((await orgkey('service status --service plain')).stdout)?.[1];
  return {person, own, other, orgkey, contained, pid};
}

inSandbox('a daemon in a sandbox with the same home leaves the service alone', async (t) => {
  const {own, orgkey, contained, pid} = await withService(t);
  const before = await pid();
  const {stdout, stderr} = await contained(
    ['--tmpfs', own],
    'service start --service plain',
    'token contoso',
  );
  t.regex(stdout, /^= 0\ncanary-pat-0123456789\n= 0\n$/, stderr);
  t.truthy(before);
  t.is(await pid(), before);
  t.is((await orgkey('service stop --service plain')).code, 0);
  const {stdout: state} = await orgkey('service status --service plain');
  t.is(state, 'plain: stopped\n');
  t.is((await orgkey('status')).code, 3);
});

inSandbox('from a sandbox that sees the socket but not the process, stop says so', async (t) => {
  const {orgkey, contained, pid} = await withService(t);
  const before = await pid();
  const commands = ['status', 'stop', 'restart'].map((order) => `service ${order} --service plain`);
  const {stdout, stderr} = await contained([], ...commands);
  t.is(stdout, 'plain: running: it was started elsewhere\n= 0\n= 1\n= 1\n');
  t.regex(stderr, /another orgkey daemon serves .*\n.*hint: stop it where it was started/);
  t.is(await pid(), before);
  t.is((await orgkey('status')).code, 0);
});

test('with another TMPDIR, git and the commands find the service', async (t) => {
  const {person, other, orgkey, pid} = await withService(t);
  const before = await pid();
  const {stdout, stderr} = await person.spawn(helper, ['get'], {
    environment: {TMPDIR: other},
    input: 'protocol=https\nhost=dev.azure.com\npath=contoso/web/_git/site\n\n',
  });
  t.regex(stdout, /^password=canary-pat-0123456789$/m, stderr);
  t.is((await orgkey('token contoso', other)).stdout, 'canary-pat-0123456789\n');
  t.regex((await orgkey('service start --service plain', other)).stderr, /service: plain, running\n$/);
  t.is(await pid(), before);
  const doctor = await orgkey('doctor contoso', other);
  t.regex(doctor.stdout, /✓ daemon: running: .*\n.*✓ service: plain, running/);
  t.is((await orgkey('service restart --service plain', other)).code, 0);
  t.is((await orgkey('token contoso')).stdout, 'canary-pat-0123456789\n', 'at its former place');
  t.is((await orgkey('service stop --service plain', other)).code, 0);
  t.regex((await orgkey('service status --service plain')).stdout, /^plain: stopped/);
});
