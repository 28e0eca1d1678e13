import test from 'ava';
import {VERSION} from '../../src/version.ts';
import {onSystemMachine, whyNoSystem} from '../helpers/system-machine.ts';
import {BuiltApp} from '../helpers/systemd-home.ts';
import {testUnless} from '../helpers/test-unless.ts';

const reason = whyNoSystem();
// serial: the scenarios share the CPU, and each runs a machine with its own systemd
const onSystem = testUnless(reason, test.serial);

let app: BuiltApp;
test.before(() => {
  if (reason === undefined) app = new BuiltApp();
});
test.after.always(() => reason === undefined && app.remove());

function onMachine(scenario: string): Promise<Record<string, unknown>> {
  return onSystemMachine('test/with-systemd/inside-system.ts', app.directory, scenario);
}

onSystem(`setup serves the users of its group only, and uninstall removes all`, async (t) => {
  const found = await onMachine('setup');
  // the service cannot see this directory
  t.like(found['outOfReach'], {
    code: 2,
    stderr:
      'orgkey: error: the service cannot see /root/secret\norgkey: hint: move it to the configuration: install -D -m 600 /root/secret /etc/orgkey/secret\n',
  });
  t.true(found['untouched']);
  t.regex(String(found['planned']), /systemd-sysusers \/etc\/sysusers\.d\/orgkey\.conf/);
  t.like(found['done'], {code: 0}, JSON.stringify(found['done']));
  t.like(found['again'], {code: 0}, JSON.stringify(found['again']));
  t.regex(
    String(found['saidAgain']),
    /service: systemd-system, already running\ngit: everything is in place\n/,
  );

  t.like(found['member'], {code: 0, file: 'hello', stderr: ''}, JSON.stringify(found['member']));
  t.like(found['alone'], {code: 128});
  t.regex(
    String(found['saidToOther']),
    /^orgkey: error: you may not use the orgkey daemon of this machine\norgkey: hint: ask its administrator to add you to the group of \/run\/orgkey\/git\.sock\n/,
  );
  // users of the service cannot read its files
  t.deepEqual(found['readable'], {member: [], alone: []});
  t.deepEqual(found['modes'], [
    '/run/orgkey drwxr-xr-x root:root',
    '/run/orgkey/git.sock srw-rw---- orgkey:orgkey',
    '/run/orgkey/control drwx------ orgkey:orgkey',
    '/run/orgkey/ssh drwx------ orgkey:orgkey',
    '/var/lib/orgkey drwx------ orgkey:orgkey',
    '/etc/orgkey drwxr-xr-x root:root',
    '/etc/orgkey/config.yaml -rw-r----- root:orgkey-config',
    '/etc/orgkey/secret -rw-r----- root:orgkey-config',
  ]);
  t.deepEqual(found['state'], ['audit.jsonl', 'compile-cache', 'last-configuration.json']);
  t.is(found['user'], 'uid=N(orgkey) gid=N(orgkey) groups=N(orgkey)');
  t.is(found['status'], 'ok');
  t.is(found['service'], 'systemd-system: running, pid N');
  t.like(found['doctor'], {code: 0}, JSON.stringify(found['doctor']));
  const exposure = Number(found['exposure']);
  t.true(exposure <= 1.3, `exposure ${exposure}`);

  t.like(found['taken'], {code: 0}, JSON.stringify(found['taken']));
  // a file that the administrator put there
  t.deepEqual(found['left'], ['/etc/orgkey/secret -rw-r----- 0']);
  t.deepEqual(found['lost'], []);
});

onSystem(`scoped sockets serve their groups, over HTTPS and in submodules over SSH`, async (t) => {
  const found = await onMachine('scoped');
  // only root may read the configuration: the error has the repair
  t.like(found['unread'], {code: 5}, JSON.stringify(found['unread']));
  t.regex(
    String(found['saidUnread']),
    /\n {2}chgrp orgkey-config \/etc\/orgkey\/config\.yaml && chmod 640 \/etc\/orgkey\/config\.yaml\n[^\n]*\n$/,
  );
  t.like(found['done'], {code: 0}, JSON.stringify(found['done']));
  t.deepEqual(found['answers'], {
    'builder scoped/team-a/git.sock contoso': 'secret',
    'builder scoped/team-a/git.sock fabrikam': 'nothing',
    'builder scoped/team-b/git.sock fabrikam': 'nothing',
    'builder git.sock contoso': 'nothing',
    'alone scoped/team-a/git.sock contoso': 'nothing',
    'alone scoped/team-a/git.sock fabrikam': 'nothing',
    'alone scoped/team-b/git.sock fabrikam': 'nothing',
    'alone git.sock contoso': 'nothing',
  });
  t.deepEqual(found['modes'], [
    '/run/orgkey/scoped drwxr-xr-x root:root',
    '/run/orgkey/scoped/team-a drwxr-xr-x root:root',
    '/run/orgkey/scoped/team-a/git.sock srw-rw---- orgkey:builders',
    '/run/orgkey/scoped/team-a/ssh drwx--s--x orgkey:builders',
    '/run/orgkey/scoped/team-b/git.sock srw------- orgkey:orgkey',
    '/run/orgkey/grants drwx--s--x orgkey:orgkey',
    '/run/orgkey/scoped/team-a/gitconfig -rw-r--r-- orgkey:orgkey',
  ]);
  // a container that mounts the directory needs nothing else
  t.deepEqual(found['clientFiles'], {
    gitconfig: '[credential "https://dev.azure.com"]',
    'submodules.gitconfig': '[core]',
    'git-credential-orgkey': '#!/bin/sh',
    'orgkey-ssh': '#!/bin/sh',
  });
  t.like(found['cloned'], {code: 0, file: 'lib', stderr: ''}, JSON.stringify(found['cloned']));
  t.like(found['refused'], {code: 128});
  t.like(found['ofMember'], {code: 0, file: 'lib', stderr: ''}, JSON.stringify(found['ofMember']));
  t.deepEqual(found['granted'], ['granted', 'read']);
  t.deepEqual(found['left'], []);
  t.is(found['restarted'], 'secret');
  t.deepEqual(found['late'], {
    hint: 'let systemd open it: orgkey service install',
    installed: 0,
    answer: 'secret',
  });
  t.is(found['taken'], 0);
  t.false(found['run']);
});

onSystem(`the first request starts the service, and restarts lose no request`, async (t) => {
  t.deepEqual(await onMachine('life'), {
    before: 'systemd-system: listening',
    first: 'secret',
    started: true,
    answers: ['secret'],
    processes: 5,
    afterKill: 'secret',
    isAnother: true,
    health: 'ok',
    failed: '',
  });
});

onSystem(`the log is read from the journal, with its fields and from before the last start`, async (t) => {
  t.deepEqual(await onMachine('logs'), {
    isWhole: true,
    inOrder: true,
    unreadable: {level: 'warn', socket: 'git'},
    hasId: true,
    last: 1,
    future: 0,
    hour: true,
    whenStopped: true,
    text: true,
    isIdentified: true,
    ofTeam: 'secret',
    audited: [
      {priority: '5', event: 'get', outcome: 'undefined'},
      {priority: '5', event: 'start', outcome: `orgkey ${VERSION}`},
    ],
  });
});

onSystem(
  `an invalid configuration is reported, and the last valid one serves across a restart`,
  async (t) => {
    t.deepEqual(await onMachine('wrong'), {
      kept: 'secret',
      restarted: 'secret',
      active: 'active',
      status: 'error',
      restarts: '0',
      repaired: 'secret',
    });
  },
);

onSystem(`systemd passes a secret that the service's user cannot read`, async (t) => {
  t.deepEqual(await onMachine('credential'), {
    installed: 0,
    answer: 'secret',
    readable: false,
    problems: [],
  });
});
