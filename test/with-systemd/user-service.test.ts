import test from 'ava';
import {BuiltApp, SystemdHome, whyNoSystemd} from '../helpers/systemd-home.ts';

const reason = whyNoSystemd();
const onSystemd = reason === undefined ? test.serial : test.serial.skip;
const because = reason === undefined ? '' : ` (skipped: ${reason})`;

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
/** Of nobody who exists. */
const uid = 4321;

let app: BuiltApp;
test.before(() => {
  if (reason === undefined) app = new BuiltApp();
});
test.after.always(() => app?.remove());

for (const [who, owner] of [
  ['a person', uid],
  ['root', 0],
] as const) {
  onSystemd(`${who} installs it, uses both sockets, and uninstalls it${because}`, async (t) => {
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
    t.is(found['control'], 'green');
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

onSystemd(`the first request starts it${because}`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  t.deepEqual(await home.run('cold'), {before: 'listening', first: 'secret', after: 'running'});
});

onSystemd(`idleness ends it, and the next request starts it again${because}`, async (t) => {
  const home = new SystemdHome(app, uid, `${configuration}  idleExit: 1s\n`);
  t.teardown(() => home.remove());
  t.deepEqual(await home.run('idle'), {answer: 'secret', isAnother: true, failures: ''});
});

onSystemd(`no request fails while it is restarted again and again${because}`, async (t) => {
  const home = new SystemdHome(app, uid, configuration);
  t.teardown(() => home.remove());
  const {answered, failed, slowest, outcomes, processes, restarts} = await home.run('load');
  t.log(`${String(answered)} requests over ${String(restarts)} restarts, the slowest ${String(slowest)} ms`);
  t.is(failed, 0);
  t.deepEqual(outcomes, ['done']);
  t.is(processes, restarts);
});

onSystemd(
  `where the daemon cannot live, git does not hang, and nobody takes its place${because}`,
  async (t) => {
    const home = new SystemdHome(app, uid, configuration);
    t.teardown(() => home.remove());
    t.deepEqual(await home.run('crash'), {
      whileCrashing: 'nothing',
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
  },
);
