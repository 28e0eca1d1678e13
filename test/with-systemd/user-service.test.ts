import test from 'ava';
import {BuiltApp, SystemdHome, whyNoSystemd} from '../helpers/systemd-home.ts';
import {testUnless} from '../helpers/test-unless.ts';

const reason = whyNoSystemd();
// serial: the scenarios share the CPU, and each runs a manager and requests under load
const onSystemd = testUnless(reason, test.serial);

const pat = 'p'.repeat(52);
const configuration = `
integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso, fabrikam], personalAccessToken: ${pat}}
orgkey:
  sockets:
    - {name: team-a, organizations: [contoso], mode: "0660"}
    - {name: late, organizations: [fabrikam]}
`;
const withLogins = `
integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso], personalAccessToken: ${pat}}
        - {organizations: [fabrikam], stored: true, persist: true}
`;
/** Not the uid of an existing user. */
const uid = 4321;

let app: BuiltApp;
test.before(() => {
  if (reason === undefined) app = new BuiltApp();
});
test.after.always(() => reason === undefined && app.remove());

for (const [who, owner] of [
  ['a user', uid],
  ['root', 0],
] as const) {
  onSystemd(`${who} installs the service, uses both sockets and uninstalls it`, async (t) => {
    const home = new SystemdHome(app, owner, configuration);
    t.teardown(() => home.remove());
    const found = await home.run('install');
    t.like(found['installed'], {kind: 'done'}, JSON.stringify(found['installed']));
    t.deepEqual(found['answers'], {
      'git.sock contoso': 'secret',
      'git.sock fabrikam': 'secret',
      'scoped/team-a/git.sock contoso': 'secret',
      'scoped/team-a/git.sock fabrikam': 'nothing',
    });
    t.deepEqual(found['status'], {installed: true, state: 'running'});
    t.true(found['hasProcess']);
    t.is(found['control'], 'ok');
    t.true(found['watchdog'], 'the daemon set the limit of the watchdog');
    t.deepEqual(found['again'], {kind: 'done', changes: []});
    t.like(found['added'], {kind: 'done'}, JSON.stringify(found['added']));
    t.is(found['late'], 'nothing');
    t.deepEqual(found['modes'], {
      '.': '711',
      'git.sock': '600',
      scoped: '711',
      'scoped/team-a': '711',
      'scoped/team-a/git.sock': '660',
      control: '700',
      ssh: '700',
    });
    t.like(found['uninstalled'], {kind: 'done'}, JSON.stringify(found['uninstalled']));
    t.deepEqual(found['left'], []);
    t.is(found['socket'], false);
  });
}

onSystemd(`a configuration from the shell's XDG_CONFIG_HOME is served, and uninstalled`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  t.deepEqual(await home.run('shell'), {
    setup: 'done',
    service: 'done',
    status: 'done',
    answer: 'secret',
    uninstall: 'done',
    left: [],
    socket: false,
  });
});

onSystemd(`with variables of another session, or none, the commands find the service`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  const found = {
    status: 'systemd-user: running',
    setup: 'service: systemd-user, already running',
    restart: 'service: systemd-user, running',
  };
  t.deepEqual(await home.run('su'), {
    setup: 'service: systemd-user, running',
    '/root': found,
    none: found,
    removed: ['service: plain, removed', 'service: systemd-user, removed'],
    left: [],
    socket: false,
  });
});

onSystemd(`without an option the service of this machine is installed`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  t.deepEqual(await home.run('choice'), {
    installed: 'service: systemd-user, running',
    answer: 'secret',
    uninstalled: 'service: systemd-user, removed',
    left: [],
  });
});

onSystemd(`the first request starts the daemon`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  t.deepEqual(await home.run('cold'), {before: 'listening', first: 'secret', after: 'running'});
});

onSystemd(`idleness ends the daemon, and the next request starts it again`, async (t) => {
  const home = new SystemdHome(app, uid, `${configuration}  idleExit: 1s\n`);
  t.teardown(() => home.remove());
  t.deepEqual(await home.run('idle'), {answer: 'secret', isAnother: true, failures: ''});
});

onSystemd(`none of 50,000 requests fails over 20 restarts`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  const {slowest, p99, ...found} = await home.run('load');
  t.log(`the slowest took ${String(slowest)} ms, the 99th of a hundred ${String(p99)} ms`);
  t.deepEqual(found, {answered: 50_000, failed: [], orders: ['done'], processes: 21, restarts: 20});
});

onSystemd(`a daemon killed under load loses only the requests in flight, and no login`, async (t) => {
  const home = new SystemdHome(app, uid, withLogins);
  t.teardown(() => home.remove());
  const {failed, answered, slowestNextAnswer, failedOtherwise, lost, kills, processes} =
    await home.run('kill');
  t.log(`${String(failed)} requests lost, the next answer after at most ${String(slowestNextAnswer)} ms`);
  t.deepEqual(
    {failedOtherwise, lost, kills, processes},
    {failedOtherwise: [], lost: [], kills: 10, processes: 11},
  );
  t.is(Number(answered) + Number(failed), 10_000);
  t.true(Number(failed) <= 10 * 16, 'at most the requests in flight at ten moments');
});

onSystemd(`if the daemon crashes at each start, git does not hang or start its own`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  t.deepEqual(await home.run('crash', {onProgress: (line) => t.log(line.trim())}), {
    whileCrashing: 'nothing',
    told: 'the orgkey daemon does not answer',
    state: 'failed',
    reason: 'it ended with status 1, so often that systemd gave up',
    afterwards: 'nothing',
    isTaken: false,
    repaired: 'done',
    answers: {
      'git.sock contoso': 'secret',
      'git.sock fabrikam': 'secret',
      'scoped/team-a/git.sock contoso': 'secret',
      'scoped/team-a/git.sock fabrikam': 'nothing',
    },
  });
});

onSystemd(`git reports an unusable state directory, and works again once it is repaired`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  const {seconds, ...found} = await home.run('broken');
  t.log(`git had its answer after ${String(seconds)} s`);
  t.is(found['repaired'], 'secret');
  t.regex(
    String(found['whileBroken']),
    /^the orgkey daemon cannot start: \S+\/state\/orgkey (?:cannot be made|is not a directory)/,
  );
});
