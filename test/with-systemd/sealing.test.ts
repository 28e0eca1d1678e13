import {spawnSync} from 'node:child_process';
import {readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import {testUnless, whyNotLinux, whyNotRoot} from '../helpers/test-unless.ts';

const scripts = join(import.meta.dirname, '../../scripts');
const isLinux = process.platform === 'linux';
const onLinux = testUnless(whyNotLinux);
const asRoot = testUnless(whyNotLinux ?? whyNotRoot);

const ours = (kinds: readonly string[]) =>
  kinds.map((kind) => readlinkSync(`/proc/self/ns/${kind}`)).join('\n');
const system = ['mnt', 'pid', 'cgroup', 'net', 'uts', 'ipc'];

/** Inner steps that must stop, before they mount anything, if their namespaces are not sealed. */
const doubts: readonly (readonly [title: string, command: readonly string[], reason: RegExp])[] = [
  [
    'a user manager in the namespaces of the machine',
    ['with-systemd-user', '--inside', isLinux ? ours(['mnt', 'cgroup']) : '', '0', '/nowhere', 'true'],
    /the mnt namespace is shared/,
  ],
  [
    'process 1 outside its own pid namespace',
    ['with-systemd-system', '--inside', isLinux ? ours(system) : '', '/nowhere', '0', 'true'],
    /not process 1 of a pid namespace/,
  ],
  [
    'the step into the cgroup outside its own pid namespace',
    ['with-systemd-system', '--enter', '/nowhere'],
    /not process 1 of a pid namespace/,
  ],
];

for (const [title, [script = '', ...args], reason] of doubts) {
  onLinux(`an unsealed step does not start: ${title}`, (t) => {
    const mounts = readFileSync('/proc/self/mounts', 'utf8');
    const {status, stderr} = spawnSync(join(scripts, script), args, {encoding: 'utf8'});
    t.is(status, 77);
    t.regex(stderr, reason);
    t.is(readFileSync('/proc/self/mounts', 'utf8'), mounts);
  });
}

for (const [title, namespaces, theirs, reason] of [
  ['the mounts are shared', ['--pid'], isLinux ? ours(system) : '', /the mnt namespace is shared/],
  [
    'the network is shared',
    ['--pid', '--mount', '--cgroup'],
    isLinux ? ours(system) : '',
    /the net namespace is shared/,
  ],
  [
    'the outer namespaces are unknown',
    ['--pid', '--mount', '--cgroup', '--net', '--uts', '--ipc'],
    '',
    /the mnt namespace is unreadable/,
  ],
] as const) {
  asRoot(`an unsealed system does not start: ${title}`, (t) => {
    const inside = [join(scripts, 'with-systemd-system'), '--inside', theirs, '/nowhere', '0', 'true'];
    const {status, stderr} = spawnSync('unshare', [...namespaces, '--fork', ...inside], {encoding: 'utf8'});
    t.is(status, 77, stderr);
    t.regex(stderr, reason);
  });
}

asRoot(`a user other than root cannot start a system`, (t) => {
  const as = ['--reuid', '4321', '--regid', '4321', '--clear-groups'];
  const {status, stderr} = spawnSync('setpriv', [...as, 'bash', '-s', 'true'], {
    encoding: 'utf8',
    // other users may not be able to read the checkout
    input: `cd /; ${readFileSync(join(scripts, 'sealing.bash'), 'utf8')}\nneed_root`,
  });
  t.is(status, 77);
  t.regex(stderr, /only root can make the namespaces/);
});
