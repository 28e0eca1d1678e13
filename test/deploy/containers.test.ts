import {CLIENT_SCRIPTS, nameBesideSocket} from '../../src/places/client-scripts.ts';
import {execFileSync, spawnSync} from 'node:child_process';
import {chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {parse} from 'yaml';
import {STOP_SECONDS} from '../../src/service/stop-limits.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {kubernetesFolder, objectsOf, type Loose} from '../helpers/kubernetes-objects.ts';
import {runContained, whyNotContained} from '../helpers/run-contained.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testKey} from '../helpers/submodule-world.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {main} from '../helpers/program.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

const folder = join(import.meta.dirname, '../../scripts/deploy');
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const environment = {
  AZURE_CLIENT_ID: 'a'.repeat(8) + '-0000-4000-8000-000000000000',
  AZURE_TENANT_ID: 'b'.repeat(8) + '-0000-4000-8000-000000000000',
};

/** One way to run orgkey in containers: the mounts, and git's configuration. */
interface Way {
  readonly title: string;
  /** The mounts of the workload. */
  readonly mounts: readonly {readonly target: string; readonly source: string; readonly readOnly: boolean}[];
  /** The daemon's configuration. `undefined`: the host's own. */
  readonly configuration: string | undefined;
  /** Writes git's configuration into a home. */
  readonly configureGit: (home: string) => void;
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

const gitconfigOf = (text: string) => (home: string) => writeFileSync(join(home, '.gitconfig'), text);

const volumesOf = ({volumes}: {volumes: readonly string[]}) => volumes.map((volume) => volume.split(':'));

function composed(): Way {
  const {build, orgkey} = parse(read('compose.yaml')).services;
  return {
    title: 'compose.yaml',
    mounts: volumesOf(build).map(([name, target = '', options]) => ({
      target,
      source: volumesOf(orgkey).find(([volume]) => volume === name)?.[1] ?? '',
      readOnly: options === 'ro',
    })),
    configuration: read('config.yaml'),
    configureGit: gitconfigOf(`[include]\n\tpath = ${build.environment.GIT_CONFIG_SYSTEM}\n`),
  };
}

function devcontained(): Way {
  const {mounts, postCreateCommand} = JSON.parse(read('devcontainer.json'));
  return {
    title: 'devcontainer.json',
    mounts: mounts.map(mountAsTheToolReads),
    configuration: undefined,
    configureGit: (home) => {
      for (const [program = '', ...args] of Object.values<string[]>(postCreateCommand)) {
        spawnSync(program, args, {env: {HOME: home, PATH: process.env['PATH']}, stdio: 'inherit'});
      }
    },
  };
}

/** Dev containers pass a text to docker as it is. Of an object they pass type, source and target only. */
function mountAsTheToolReads(
  mount: string | Readonly<Record<'source' | 'target', string>>,
): Way['mounts'][number] {
  if (typeof mount !== 'string') return {source: mount.source, target: mount.target, readOnly: false};
  const fields = new Map(mount.split(',').map((field) => [field.split('=', 1)[0], field.split('=')[1]]));
  return {
    source: fields.get('source') ?? '',
    target: fields.get('target') ?? '',
    readOnly: fields.has('readonly'),
  };
}

function inKubernetes(title: string, job: string, configuration: string): Way {
  const [{spec}] = objectsOf(job).filter(({kind}) => kind === 'Job') as [Loose];
  const {volumes, containers} = spec.template.spec;
  const mounts: readonly Mount[] = containers[0].volumeMounts;
  const {value: settings} = containers[0].env.find(({name}: Loose) => name === 'GIT_CONFIG_SYSTEM');
  const sourceOf = (name: string) => {
    const {csi} = volumes.find((volume: Loose) => volume.name === name);
    return csi === undefined ? name : `/sockets/orgkey/scoped/${csi.driver.replace(/-orgkey\.csi$/, '')}`;
  };
  return {
    title,
    mounts: mounts
      .filter(({name}) => name !== 'work')
      .map(({name, mountPath, subPath, readOnly}) => ({
        target: mountPath,
        source: `${sourceOf(name)}/${subPath ?? ''}`,
        readOnly: readOnly === true,
      })),
    configuration: readFileSync(join(kubernetesFolder, configuration), 'utf8'),
    configureGit: gitconfigOf(`[include]\n\tpath = ${settings}\n`),
  };
}

const ways = [
  composed(),
  devcontained(),
  inKubernetes('a sidecar in Kubernetes', 'sidecar/job.yaml', 'sidecar/config.yaml'),
  inKubernetes('a node of Kubernetes', 'example/team-a/workload/job.yaml', 'example/config.yaml'),
];

test('the platforms wait for the end of the daemon', (t) => {
  t.is(parse(read('compose.yaml')).services.orgkey.stop_grace_period, `${STOP_SECONDS}s`);
});

test('a probe accepts a serving daemon with failing identities, and none that hangs', async (t) => {
  const daemon = await daemonFor(t, {
    configuration: `integrations:
  azure:
    - {credentials: [{organizations: [contoso], personalAccessToken: {$command: [/bin/false]}}]}
`,
  });
  await daemon.call('token', {organization: 'contoso', scope: undefined});
  t.is((await daemon.status()).health, 'error');
  const probe = () => spawnSync(join(folder, 'orgkey-probe'), {env: daemon.environment, encoding: 'utf8'});
  t.is(probe().status, 0);
  daemon.process.kill('SIGSTOP');
  t.not(probe().status, 0);
  daemon.process.kill('SIGCONT');
  await daemon.close();
  t.regex(probe().stderr, /^orgkey-probe: .*git\.sock: (?:Connection refused|No such file)/);
});

/** In a checkout, the scripts read others. */
const withoutPart = (names: readonly string[]) => names.filter((name) => !name.endsWith('.sh'));
const besideSocket = [
  'git.sock',
  'gitconfig',
  'submodules.gitconfig',
  ...CLIENT_SCRIPTS.map(nameBesideSocket),
].toSorted();
const contained = testUnless(whyNotContained());
/** Not the uid of an existing user. */
const uid = 12_345;

const pat = 'p'.repeat(52);
const served = `
integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso, fabrikam], personalAccessToken: ${pat}}
`;

function homeOf(t: ExecutionContext, way: Way): string {
  const home = scratchDirectory(t);
  way.configureGit(home);
  mkdirSync(join(home, '.mounted'));
  for (const path of ['', '.gitconfig']) chownSync(join(home, path), uid, uid);
  return home;
}

for (const way of ways) {
  test(`${way.title}: the workload mounts one scoped directory, read-only`, (t) => {
    t.is(way.mounts.length, 1);
    const [mount] = way.mounts;
    t.is(mount?.target, '/run/orgkey');
    t.regex(mount?.source ?? '', /\/orgkey\/scoped\/[a-z0-9][a-z0-9-]{0,30}\/?$/);
    t.true(mount?.readOnly);
  });

  if (way.configuration !== undefined) {
    const {configuration} = way;
    test(`${way.title}: the daemon's configuration is valid and has that socket`, (t) => {
      const {sockets} = parse(configuration).orgkey;
      t.is(sockets.length, 1);
      t.true(way.mounts[0]?.source.replace(/\/$/, '').endsWith(`/scoped/${sockets[0].name}`));
      const directory = scratchDirectory(t);
      const file = join(directory, 'config.yaml');
      const secret = join(directory, 'secret');
      writeFileSync(secret, 'x'.repeat(40), {mode: 0o600});
      const placed = configuration.replaceAll(/\/(?:run|var\/run)\/secrets\/[\w/-]+/g, secret);
      writeFileSync(file, placed, {mode: 0o600});
      const checked = spawnSync(process.execPath, [main, 'config', 'check', '--json', '--config', file], {
        env: {HOME: directory, PATH: process.env['PATH'], ...environment},
        encoding: 'utf8',
      });
      t.like(JSON.parse(checked.stdout), {valid: true, problems: []}, checked.stderr);
    });
  }

  contained(`${way.title}: with only git and that mount, git serves its organization only`, async (t) => {
    const sockets =
      way.configuration === undefined
        ? [{name: 'team-a', organizations: ['contoso'], mode: '0666'}]
        : parse(way.configuration).orgkey.sockets;
    const daemon = await daemonFor(t, {
      configuration: `${served}orgkey: {sockets: ${JSON.stringify(sockets)}}\n`,
    });
    const home = homeOf(t, way);
    const mounted = join(daemon.runtime, 'scoped', sockets[0].name);
    const git = (operation: string, organization: string, more = '') =>
      runContained(['git', 'credential', operation], {
        sockets: mounted,
        home,
        uid,
        input: `url=https://dev.azure.com/${organization}/p/_git/r\n${more}\n`,
      });
    t.regex((await git('fill', 'contoso')).stdout, new RegExp(`^password=${pat}$`, 'm'));
    t.notRegex((await git('fill', 'fabrikam')).stdout, /^password=/m);
    // tools find their helpers there, and no other socket
    const tool = (organization: string) =>
      runContained(['/run/orgkey/orgkey-token', organization], {sockets: mounted, home, uid, input: ''});
    t.regex((await tool('contoso')).stdout, /^Basic \w+/);
    t.like(await tool('fabrikam'), {status: 1, stdout: ''});

    // even root in the container cannot replace the socket
    const tried = await runContained(['sh', '-c', 'ls /run; ls /run/orgkey; rm /run/orgkey/git.sock'], {
      sockets: mounted,
      home,
      uid: 0,
      input: '',
    });
    t.deepEqual(withoutPart(tried.stdout.trim().split('\n')), ['orgkey', ...besideSocket]);
    t.regex(tried.stderr, /Read-only file system/);

    // a reason reaches the user
    daemon.configure(
      `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: {$command: [/bin/false]}}]}]}
orgkey: {sockets: ${JSON.stringify(sockets)}}\n`,
    );
    await daemon.call('reload', undefined);
    const failed = await git('fill', 'contoso');
    t.regex(failed.stderr, /^orgkey: error: contoso: .*\(ERR_SECRET_COMMAND\)$/m);

    // without a daemon, git must not start its own cache daemon there
    const before = statSync(join(mounted, 'git.sock')).ino;
    await daemon.stop('SIGKILL');
    await git('approve', 'contoso', 'username=u\npassword=canary\n');
    t.is(statSync(join(mounted, 'git.sock')).ino, before);
    const stopped = await git('fill', 'contoso');
    t.notRegex(stopped.stdout, /canary/);
    t.regex(stopped.stderr, /^orgkey: error: the orgkey daemon does not answer$/m);
  });
}

contained(`a submodule over SSH is granted through the same mount`, async (t) => {
  const cloud = await cloudFor(t);
  const contoso = cloud.addOrganization('contoso');
  const {key, privateKey} = await testKey();
  contoso.addSshKey(key.publicLine('test'));
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  const submodule = {path: 'lib', url: 'git@ssh.dev.azure.com:v3/contoso/Web/lib'};
  const {url} = contoso.addRepository('Web/app', {submodules: [submodule]});
  const rule = {organizations: ['contoso'], knownHosts: cloud.knownHosts(), privateKey};
  const daemon = await daemonFor(t, {
    configuration: `
integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: ${contoso.addPat().value}}
orgkey:
  sockets:
    - {name: team-a, organizations: [contoso], mode: '0666'}
    - {name: team-b, organizations: [fabrikam], mode: '0666'}
  submodules: ${JSON.stringify([rule])}
`,
    environment: cloud.environment(),
  });
  const ca = readFileSync(cloud.caFile);
  // ssh needs a user with a name
  const reader = 65_534;

  const cloneFrom = async (socket: string) => {
    const home = scratchDirectory(t);
    writeFileSync(join(home, 'ca.pem'), ca);
    writeFileSync(join(home, '.gitconfig'), '[include]\n\tpath = /run/orgkey/gitconfig\n');
    execFileSync('chown', ['-R', `${reader}:${reader}`, home]);
    const trusted = {GIT_SSL_CAINFO: join(home, 'ca.pem')};
    const ran = await runContained(['git', 'clone', '--quiet', '--recurse-submodules', url, 'app'], {
      sockets: join(daemon.runtime, 'scoped', socket),
      home,
      uid: reader,
      environment: {...cloud.environment(), ...trusted},
      input: '',
    });
    return {...ran, cloned: join(home, 'app/lib/lib.txt')};
  };
  const served = await cloneFrom('team-a');
  t.is(served.status, 0, served.stderr);
  t.is(readFileSync(served.cloned, 'utf8'), 'lib');
  t.deepEqual(withoutPart(readdirSync(join(daemon.runtime, 'scoped/team-a')).toSorted()), besideSocket);
  const commands = () => [...cloud.sshRequests].filter(({kind}) => kind === 'exec').length;
  t.is(commands(), 1);
  // the socket of another organization grants nothing
  const other = await cloneFrom('team-b');
  t.not(other.status, 0);
  t.is(commands(), 1);
});

test('the image starts from a digest, and runs as an ordinary user', (t) => {
  const text = read('Dockerfile');
  const [, version, base] = /^# (\S+)\. The digest counts.*\nARG BASE=(\S+)$/m.exec(text) ?? [];
  // they change together
  t.is(`${version} ${base}`, `24.21.0-bookworm-slim ${NODE_IMAGE}`);
  t.regex(text, /^USER [1-9]\d*:[1-9]\d*$/m);
  t.regex(text, /^ENTRYPOINT \["orgkey", "daemon"\]$/m);
  t.regex(text, /^STOPSIGNAL SIGTERM$/m);
});

const NODE_IMAGE =
  'docker.io/library/node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6';

for (const file of ['compose.yaml', 'devcontainer.json']) {
  test(`${file}: no socket file is mounted, and only the daemon has all sockets`, (t) => {
    const text = read(file);
    t.notRegex(text, /(?:source|path|target|mountPath|subPath): ?"?[^\s",}]*\.sock/);
    t.notRegex(text, /privileged: true|hostNetwork|hostPID/);
    t.true((text.match(/\/sockets\b/g) ?? []).length <= 4);
  });
}
