import {execFileSync} from 'node:child_process';
import {copyFileSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import {startCloud} from '../cloud/cloud.ts';
import {until} from '../helpers/patience.ts';
import {baseImage, runClient, runPodman, whyNoPodman, type Ran} from '../helpers/podman.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {addContoso} from '../helpers/cloud-for.ts';

/** The image of the daemon, built and run with the volumes and options of compose.yaml. */

const root = join(import.meta.dirname, '../..');
const missing = whyNoPodman();
const inContainers = testUnless(missing, test.serial);
const name = (what: string) => `orgkey-test-${process.pid}-${what}`;
const images = {node: name('node'), daemon: name('image')};
const directory = mkdtempSync('/tmp/orgkey-test-');
const compose = parse(readFileSync(join(root, 'scripts/deploy/compose.yaml'), 'utf8'));
const cloud = await startCloud();
// no hooks run if every test is skipped
if (missing !== undefined) void cloud.close();
const {tenant, app, contoso} = addContoso(cloud);
const site = contoso.addRepository('project/site', {files: {'a.txt': 'hello\n'}});
const volumes: readonly string[] = Object.keys(compose.volumes).map((volume) => name(volume));

async function must(command: Parameters<typeof runPodman>[0]): Promise<Ran> {
  const ran = await runPodman(command);
  if (ran.status !== 0) throw new Error(`${command.join(' ')}: ${ran.stderr}`);
  return ran;
}

/** Builds the image of this checkout on the test's base, and returns its digest. */
async function build(builder: 'podman' | 'buildah', image: string): Promise<string> {
  await must([
    join(root, 'scripts/build-image'),
    builder,
    '--no-cache',
    `--build-arg=BASE=localhost/${images.node}`,
    `--tag=localhost/${image}`,
  ]);
  const found = await must(['podman', 'image', 'inspect', '--format={{.Digest}}', `localhost/${image}`]);
  return found.stdout.trim();
}

test.before(async () => {
  if (missing !== undefined) return;
  // plays the part of the image of Node that a registry has
  copyFileSync(process.execPath, join(directory, 'node'));
  writeFileSync(join(directory, 'Dockerfile'), `FROM ${baseImage}\nCOPY node /usr/local/bin/node\n`);
  await must(['podman', 'build', '--network=none', `--tag=localhost/${images.node}`, directory]);
  await build('podman', images.daemon);
  for (const [volume, settings] of Object.entries<{driver_opts?: Record<string, string>} | null>(
    compose.volumes,
  )) {
    const options = Object.entries(settings?.driver_opts ?? {}).map(
      ([key, value]) => `--opt=${key}=${value}`,
    );
    await must(['podman', 'volume', 'create', ...options, name(volume)]);
  }
});
test.after.always(async () => {
  if (missing !== undefined) return;
  await runPodman([
    'podman',
    'rm',
    '--force',
    '--ignore',
    '--volumes',
    '--time=0',
    name('orgkey'),
    name('other'),
  ]);
  await runPodman(['podman', 'volume', 'rm', '--force', ...volumes]);
  for (const image of [images.daemon, name('again'), name('buildah'), images.node])
    await runPodman(['podman', 'rmi', '--force', `localhost/${image}`]);
  await cloud.close();
  rmSync(directory, {recursive: true});
});

/** The configuration and the secret that compose.yaml mounts, owned by the daemon's user. */
function mountedFiles(): readonly string[] {
  const files = {'config.yaml': '', 'contoso-client-secret': app.secret};
  for (const [file, text] of Object.entries(files)) {
    if (text === '') cpSync(join(root, 'scripts/deploy', file), join(directory, file));
    else writeFileSync(join(directory, file), text);
    execFileSync('chmod', ['600', join(directory, file)]);
    chownSync(join(directory, file), 65_532, 65_532);
  }
  return Object.keys(files);
}

/** The options of `podman run` that say what compose.yaml says of the daemon. It also reaches the test cloud. */
function optionsOfDaemon(): readonly string[] {
  const {volumes: mounted, cap_drop, security_opt, read_only, healthcheck} = compose.services.orgkey;
  mountedFiles();
  const sourced = mounted.map((volume: string) =>
    volume.startsWith('./') ? volume.replace('.', directory) : name(volume),
  );
  const ca = `${cloud.caFile}:${cloud.caFile}:ro`;
  const variables = {
    ...cloud.environment(),
    AZURE_CLIENT_ID: app.clientId,
    AZURE_TENANT_ID: tenant.id,
  };
  return [
    '--network=host',
    `--read-only=${read_only}`,
    `--health-cmd=${healthcheck.test.slice(1).join(' ')}`,
    ...cap_drop.map((capability: string) => `--cap-drop=${capability}`),
    ...security_opt.map((option: string) => `--security-opt=${option}`),
    ...[...sourced, ca].map((volume) => `--volume=${volume}`),
    ...Object.entries(variables).map(([key, value]) => `--env=${key}=${value}`),
  ];
}

/** Resolves when the health check of a container passes. */
async function healthy(container: string): Promise<void> {
  const check = () => runPodman(['podman', 'healthcheck', 'run', container]);
  await until(`${container} to be healthy`, check, ({status}) => status === 0);
}

inContainers('the same commit gives the same image, with podman and with buildah', async (t) => {
  const first = await must([
    'podman',
    'image',
    'inspect',
    '--format={{.Digest}}',
    `localhost/${images.daemon}`,
  ]);
  t.is(await build('podman', name('again')), first.stdout.trim());
  t.is(await build('buildah', name('buildah')), first.stdout.trim());
});

inContainers('the image says what it is, and runs as a numeric user', async (t) => {
  const {stdout} = await must(['podman', 'image', 'inspect', `localhost/${images.daemon}`]);
  const [{Config: config, Created: created}] = JSON.parse(stdout);
  t.is(config.User, '65532:65532');
  t.is(config.StopSignal, 'SIGTERM');
  const label = (key: string) => config.Labels[`org.opencontainers.image.${key}`];
  t.regex(label('version'), /^\d+\.\d+\.\d+/);
  t.is(label('revision'), execFileSync('git', ['rev-parse', 'HEAD'], {cwd: root, encoding: 'utf8'}).trim());
  t.is(label('base.name'), `localhost/${images.node}`);
  t.is(Date.parse(label('created')), Date.parse(created));
  for (const key of ['title', 'description', 'source', 'licenses']) t.truthy(label(key), key);
});

inContainers(
  'with the volumes of compose.yaml, two workloads are served, and the stop is clean',
  async (t) => {
    await must([
      'podman',
      'run',
      '--detach',
      `--name=${name('orgkey')}`,
      ...optionsOfDaemon(),
      `localhost/${images.daemon}`,
    ]);
    await healthy(name('orgkey'));
    const line = 'export GIT_CONFIG_SYSTEM=/run/orgkey/gitconfig; cd';
    const agent = await runClient(`${line}; git clone --quiet ${site.url} site && cat site/a.txt`, {
      mounted: name('agents'),
    });
    t.is(agent.stdout, 'hello\n', agent.stderr);
    const trusted = {...cloud.environment(), GIT_SSL_CAINFO: cloud.caFile};
    const options = ['--network=host', `--volume=${cloud.caFile}:${cloud.caFile}:ro`];
    const workload = await runClient(
      `${line}; git clone --quiet ${site.url} site && cat site/a.txt; find /run/orgkey -type s`,
      {
        mounted: name('team-a'),
        environment: trusted,
        options,
      },
    );
    t.is(workload.stdout, 'hello\n', workload.stderr);
    await must(['podman', 'stop', '--time=30', name('orgkey')]);
    const {stdout} = await must(['podman', 'inspect', '--format={{.State.ExitCode}}', name('orgkey')]);
    t.is(stdout.trim(), '0');
    t.not((await runPodman(['podman', 'healthcheck', 'run', name('orgkey')])).status, 0);
  },
);

inContainers('any user of group 0 can run the image, as OpenShift does', async (t) => {
  const other = name('other');
  const file = join(directory, 'empty.yaml');
  writeFileSync(file, 'integrations: {azure: []}\n');
  await must([
    'podman',
    'run',
    '--detach',
    `--name=${other}`,
    '--network=none',
    '--user=1000710000:0',
    '--health-cmd=orgkey-probe',
    '--cap-drop=all',
    '--security-opt=no-new-privileges',
    `--volume=${file}:/etc/orgkey/config.yaml:ro`,
    `localhost/${images.daemon}`,
  ]);
  await healthy(other);
  const {stdout} = await must([
    'podman',
    'exec',
    other,
    'stat',
    '--format=%u %a',
    '/sockets/orgkey/git.sock',
  ]);
  t.is(stdout.trim(), '1000710000 600');
});
