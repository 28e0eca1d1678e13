import {mkdtempSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {leaksIn} from '../helpers/canary.ts';
import {startDaemon, type TestDaemon} from '../helpers/daemon.ts';
import {runClient, runPodman, whyNoPodman} from '../helpers/podman.ts';
import {testKey} from '../helpers/submodule-world.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** Containers with git, OpenSSH's client and the directory of one scoped socket. */

const missing = whyNoPodman();
const inContainers = testUnless(missing, test.serial);
const cloud = await startCloud();
// no hooks run if every test is skipped
if (missing !== undefined) void cloud.close();
const contoso = cloud.addOrganization('contoso');
const {key, privateKey} = await testKey();
contoso.addSshKey(key.publicLine('test'));
contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
const submodules = [{path: 'lib', url: 'git@ssh.dev.azure.com:v3/contoso/Web/lib'}];
const {url} = contoso.addRepository('Web/app', {submodules, files: {'a.txt': 'app'}});
const pat = contoso.addPat().value;
const directory = mkdtempSync('/tmp/orgkey-test-');
let daemon: TestDaemon;

test.before(async () => {
  const rule = {organizations: ['contoso'], knownHosts: cloud.knownHosts(), privateKey};
  daemon = await startDaemon({
    configuration: `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: ${pat}}
orgkey:
  sockets:
    - {name: team-a, organizations: [contoso], mode: '0666'}
    - {name: team-b, organizations: [fabrikam], mode: '0666'}
  submodules: ${JSON.stringify([rule])}
`,
    environment: cloud.environment(),
    directory,
  });
});
test.after.always(async () => {
  await daemon.close();
  rmSync(directory, {recursive: true});
  await cloud.close();
});

/** Runs a script that reaches the cloud, as a user of the image who has a name, as ssh wants. */
function run(script: string, socket: string, ...options: string[]) {
  return runClient(script, {
    mounted: join(daemon.runtime, 'scoped', socket),
    environment: {...cloud.environment(), GIT_SSL_CAINFO: cloud.caFile},
    options: [
      '--network=host',
      '--user=65534:65534',
      `--volume=${dirname(cloud.caFile)}:${dirname(cloud.caFile)}:ro`,
      ...options,
    ],
  });
}

const LINE = 'git config --global --add include.path /run/orgkey/gitconfig';
const CLONE = `set -e; ${LINE}; cd; git clone --quiet --recurse-submodules ${url} app`;

inContainers('a container clones over HTTPS, and its submodules over SSH', async (t) => {
  const {status, stdout, stderr} = await run(`${CLONE}; cat app/a.txt app/lib/lib.txt`, 'team-a');
  t.is(status, 0, stderr);
  t.is(stdout, 'applib');
});

inContainers('after a clone, nothing that the container can see holds a secret', async (t) => {
  const view = `tar -c -f - /tmp /home; env; cat /proc/*/environ /proc/*/cmdline /run/orgkey/*gitconfig
    cat /run/orgkey/git-credential-orgkey /run/orgkey/orgkey-ssh`;
  const {stdout} = await run(`${CLONE}; set +e; ${view}`, 'team-a');
  t.true(stdout.includes('app/.git/modules/lib') && stdout.includes('orgkey-ssh'));
  t.deepEqual(leaksIn(stdout, {pat, privateKey, keyLine: privateKey.split('\n')[3] ?? ''}), []);
});

inContainers('a container with the socket of another organization gets neither', async (t) => {
  const {status, stderr} = await run(CLONE, 'team-b');
  t.not(status, 0);
  t.notRegex(stderr, /Cloning into '.*lib'/);
  const submodule = await run(
    `${LINE}; GIT_SSH_COMMAND=/run/orgkey/orgkey-ssh git ls-remote ${submodules[0]?.url ?? ''}`,
    'team-b',
  );
  t.not(submodule.status, 0);
});

inContainers('root in a container cannot replace the socket, nor reach another one', async (t) => {
  const {stdout, stderr} = await run(
    'ls /run/orgkey; rm /run/orgkey/git.sock; mount -o remount,rw /run/orgkey; ls /run/orgkey/..',
    'team-a',
    '--user=0:0',
  );
  t.regex(stderr, /rm: cannot remove.*(?:Read-only file system|Permission denied)/);
  t.regex(stderr, /mount: .*(?:permission denied|must be superuser)/i);
  t.notRegex(stdout, /control|team-b/);
});

inContainers('a running container gets the reason while the daemon is away, and then goes on', async (t) => {
  const name = `orgkey-test-${process.pid}`;
  t.teardown(() => runPodman(['podman', 'rm', '--force', '--ignore', '--time=0', name]));
  const {status} = await run('exec sleep 600', 'team-a', '--detach', `--name=${name}`, '--init');
  t.is(status, 0);
  const lsRemote = () => runPodman(['podman', 'exec', name, 'sh', '-c', `${LINE}; git ls-remote ${url}`]);
  t.is((await lsRemote()).status, 0);
  await daemon.stop();
  const away = await lsRemote();
  t.not(away.status, 0);
  t.regex(away.stderr, /^orgkey: error: the orgkey daemon does not answer$/m);
  daemon = await startDaemon({directory, environment: cloud.environment()});
  const back = await lsRemote();
  t.is(back.status, 0, back.stderr);
});
