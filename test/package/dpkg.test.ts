import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {onSystemMachine, whyNoSystem} from '../helpers/system-machine.ts';
import {testUnless} from '../helpers/test-unless.ts';

const root = join(import.meta.dirname, '../..');
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const NEWER = '99.0.0';

const reason =
  spawnSync('dpkg-deb', ['--version']).status === 0 ? whyNoSystem() : 'there is no dpkg-deb here';
// serial: the scenarios share the CPU, and each runs a machine with its own systemd
const onDebian = testUnless(reason, test.serial);

let things = '';
test.before(() => {
  if (reason !== undefined) return;
  things = mkdtempSync('/var/lib/orgkey-test-');
  chmodSync(things, 0o755);
  copyFileSync(process.execPath, join(things, 'node'));
  const [older, newer, tree] = ['older.deb', 'newer.deb', 'tree'].map((name) => join(things, name));
  // compression would take most of the time
  const env = {...process.env, DPKG_DEB_COMPRESSOR_TYPE: 'none'};
  const built = execFileSync(join(root, 'scripts/package-deb'), [things], {encoding: 'utf8', env}).trim();
  renameSync(built, older ?? '');
  execFileSync('dpkg-deb', ['--raw-extract', older ?? '', tree ?? '']);
  const control = join(tree ?? '', 'DEBIAN/control');
  writeFileSync(
    control,
    readFileSync(control, 'utf8').replace(`Version: ${version}\n`, `Version: ${NEWER}\n`),
  );
  // what a later package could change
  const unit = join(tree ?? '', 'usr/lib/systemd/system/orgkey.service');
  writeFileSync(unit, readFileSync(unit, 'utf8').replace(/^LimitNOFILE=.*$/m, 'LimitNOFILE=4096'));
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree ?? '', newer ?? ''], {
    stdio: 'ignore',
    env,
  });
  rmSync(tree ?? '', {recursive: true});
});
test.after.always(() => things === '' || rmSync(things, {recursive: true, force: true}));

function onMachine(scenario: string): Promise<Record<string, unknown>> {
  return onSystemMachine('test/package/inside-debian.ts', things, scenario);
}

onDebian(`a user without Node and rights installs, clones, upgrades and uninstalls`, async (t) => {
  const {setup, cloned, ...found} = await onMachine('person');
  t.like(setup, {code: 0}, JSON.stringify(setup));
  t.like(cloned, {code: 0, file: 'hello', stderr: ''}, JSON.stringify(cloned));
  t.deepEqual(found, {
    installed: 0,
    node: 'none',
    version,
    man: true,
    completion: 0,
    upgraded: 0,
    after: {version, restarted: 0, cloned: 0},
    gone: 0,
    // directories of other programs, and the clones
    home: ['.config', 'again', 'site'],
    configuration: 'no such file',
    purged: 0,
    left: [],
    lost: [],
  });
});

onDebian(`the system service keeps answering during an upgrade and leaves with the package`, async (t) => {
  const {setup, ...found} = await onMachine('machine');
  t.like(setup, {code: 0}, JSON.stringify(setup));
  t.deepEqual(found, {
    // the service starts only after its setup
    units: ['disabled', 'disabled'],
    upgraded: 0,
    restarted: true,
    again: 0,
    said: ['', ''],
    // the last valid configuration serves, and the administrator reads why to look
    broken: {code: 0, stderr: 'orgkey: the service needs attention, see: orgkey status\n'},
    rolledBack: {
      code: 0,
      inForce: 'current',
      warnings: ['unknown key: futureKey, which is ignored'],
      check: 5,
    },
    answers: ['secret'],
    status: version,
    removed: 0,
    remaining: {running: ['inactive', 'inactive'], git: 'no such file', configuration: true},
    purged: 0,
    left: [],
    lost: [],
  });
});

onDebian(`setup uses the package's units as they are, and a later package changes them`, async (t) => {
  const directory = '/etc/systemd/system';
  const added = [`${directory}/orgkey-team-a.socket`, `${directory}/orgkey.service.d/50-setup.conf`];
  t.deepEqual(await onMachine('units'), {
    plain: {files: [], delta: [], limit: '16384'},
    scoped: {files: added, delta: ['EXTENDED orgkey.service'], limit: '16384'},
    configuration: true,
    answers: {main: 'secret', scoped: 'secret'},
    helper: true,
    newer: {files: added, delta: ['EXTENDED orgkey.service'], limit: '4096'},
    answersAgain: {main: 'secret', scoped: 'secret'},
    copied: ['OVERRIDDEN orgkey.service', 'EXTENDED orgkey.service', 'OVERRIDDEN orgkey.socket'],
    without: {files: added, delta: ['EXTENDED orgkey.service'], limit: '16384'},
    enabled: ['enabled', 'enabled'],
    // the administrator's own unit stays
    own: {files: [...added.slice(0, 1), `${directory}/orgkey.service`, ...added.slice(1)], limit: '123'},
    replaced: [
      {
        group: 'daemon',
        title: 'unit',
        outcome: 'warning',
        detail: `${directory}/orgkey.service replaces the unit of the package, whose upgrades have no effect`,
        repair: `move your changes to a drop-in (systemctl edit orgkey.service), remove ${directory}/orgkey.service, and run: systemctl daemon-reload`,
        commands: [],
        advice: [
          `move your changes to a drop-in (systemctl edit orgkey.service), remove ${directory}/orgkey.service, and run: systemctl daemon-reload`,
        ],
      },
    ],
    uninstalled: {code: 0, files: [`${directory}/orgkey.service`]},
    disabled: ['disabled', 'disabled'],
    purged: 0,
    left: [],
    lost: [],
  });
});

onDebian(`the package installs twice without systemd, and leaves nothing behind`, async (t) => {
  const {installed, ...found} = await onMachine('bare');
  t.like(installed, {code: 0, stderr: ''}, JSON.stringify(installed));
  t.deepEqual(found, {
    again: 0,
    hasFiles: true,
    elsewhere: [],
    wrong: '',
    odd: [],
    conffiles: '',
    removed: 0,
    left: ['/etc/orgkey-not-ours -rw-r--r-- 0'],
    purged: 0,
    finally: [],
  });
});
