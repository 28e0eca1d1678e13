import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {startDaemon, type TestDaemon} from '../helpers/daemon.ts';
import {baseImage, runPodman, whyNoPodman} from '../helpers/podman.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** The dev container Feature, installed by the real tool of dev containers with podman. */

const root = join(import.meta.dirname, '../..');
const features = join(root, 'scripts/deploy/features');
const tool = join(root, '.cache/devcontainer/node_modules/@devcontainers/cli/devcontainer.js');
const noTool = existsSync(tool)
  ? undefined
  : 'no tool of dev containers: scripts/test-packages devcontainer brings it';
const missing = noTool ?? whyNoPodman();
const inContainers = testUnless(missing, test.serial);
const directory = mkdtempSync('/tmp/orgkey-test-');
const at = (...path: readonly string[]) => join(directory, ...path);
const label = `orgkey-test=${process.pid}`;
const cloud = await startCloud();
// no hooks run if every test is skipped
if (missing !== undefined) void cloud.close();
const contoso = cloud.addOrganization('contoso');
const {url} = contoso.addRepository('Web/app', {files: {'a.txt': 'app'}});
const pat = contoso.addPat().value;
let daemon: TestDaemon;

test.before(async () => {
  daemon = await startDaemon({
    configuration: `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: ${pat}}
orgkey:
  sockets:
    - {name: devcontainer, organizations: [contoso], mode: '0666'}
  gateways:
    - {name: agents, repositories: [contoso/web/*], mode: '0666'}
`,
    environment: cloud.environment(),
  });
  mkdirSync(at('session'));
  symlinkSync(daemon.runtime, at('session/orgkey'));
});
test.after.always(async () => {
  if (missing === undefined) {
    const {stdout} = await runPodman(['podman', 'ps', '--all', '--quiet', `--filter=label=${label}`]);
    await runPodman(['podman', 'rm', '--force', '--time=0', ...stdout.split('\n').filter(Boolean)]);
    // what the tool built
    const built = ['podman', 'images', '--quiet', '--filter=reference=*vsc-*'] as const;
    const images = (await runPodman(built)).stdout.split('\n').filter(Boolean);
    await runPodman(['podman', 'rmi', '--force', ...images]);
  }
  await daemon.close();
  await cloud.close();
  rmSync(directory, {recursive: true});
});

/** The tool asks a registry for what must be installed before a Feature. Takes that from a copy. */
function withoutRegistry(folder: string): void {
  const file = join(folder, 'devcontainer-feature.json');
  const {installsAfter: _, ...others} = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify(others));
}

/** Makes a project that uses the Feature, and starts its container. */
async function up(
  project: string,
  {
    settings = {},
    options = {},
    session = at('session'),
  }: Partial<Record<'settings' | 'options', object>> & {session?: string} = {},
) {
  const folder = at(project, '.devcontainer');
  mkdirSync(folder, {recursive: true});
  cpSync(join(features, 'src/orgkey'), join(folder, 'orgkey'), {recursive: true});
  withoutRegistry(join(folder, 'orgkey'));
  const configuration = {
    image: baseImage,
    features: {'./orgkey': options},
    runArgs: ['--label', label],
    ...settings,
  };
  writeFileSync(join(folder, 'devcontainer.json'), JSON.stringify(configuration));
  const command = ['up', '--docker-path', 'podman', '--workspace-folder', at(project)];
  const ran = await runPodman([process.execPath, tool, ...command], {XDG_RUNTIME_DIR: session});
  const [, id = ''] = /"containerId":"(\w+)"/.exec(ran.stdout) ?? [];
  return {...ran, id};
}

function run(id: string, script: string, ...options: string[]) {
  return runPodman(['podman', 'exec', ...options, id, 'sh', '-c', script]);
}

/** Lets the container reach the cloud. */
const reachesCloud = {
  mounts: [`source=${dirname(cloud.caFile)},target=${dirname(cloud.caFile)},type=bind,readonly`],
  containerEnv: {...cloud.environment(), GIT_SSL_CAINFO: cloud.caFile, GIT_TERMINAL_PROMPT: '0'},
};

/** What VS Code runs when it attaches, with a program in place of its own Node that notes what it is asked. */
const forwarder = (where: string) => `set -e
  mkdir -p /root/.vscode-server/bin/0123
  cat >/root/.vscode-server/bin/0123/node <<'END'
#!/bin/sh
{ echo "$3"; cat; } >>/tmp/forwarded
printf 'username=forwarded\\npassword=forwarded\\n'
END
  chmod +x /root/.vscode-server/bin/0123/node
  command -v git >/dev/null 2>&1 && git config --${where} --replace-all credential.helper '!f() { /root/.vscode-server/bin/0123/node /tmp/vscode-remote-containers-4567.js git-credential-helper $*; }; f' || true`;

inContainers('the Feature serves git beside the forwarder of VS Code and a copied .gitconfig', async (t) => {
  const {id, stderr} = await up('beside', {
    settings: reachesCloud,
    options: {safeDirectory: '/workspaces/beside'},
  });
  t.not(id, '', stderr);
  // the owner on the host is another one
  writeFileSync(at('beside/README'), 'x');
  for (const path of ['beside', 'beside/README']) chownSync(at(path), 4321, 4321);
  for (const where of ['system', 'global']) {
    const copied =
      'git config --global include.path ~/.config/orgkey/gitconfig; git config --global credential.helper store';
    const cloned = await run(
      id,
      `${forwarder(where)}; ${copied}
      cd; rm -rf app; git clone --quiet ${url} app; cat app/a.txt; ls -a ~ | grep -c git-credentials`,
    );
    t.is(cloned.stdout, 'app0\n', `${where}: ${cloned.stderr}`);
    t.is((await run(id, 'cat /tmp/forwarded')).stdout, '', where);
  }
  // other hosts are the forwarder's
  const asked = await run(
    id,
    `git config --global --unset-all credential.helper; ${forwarder('system')}
    echo url=https://git.example.org/x | git credential fill; cat /tmp/forwarded`,
  );
  t.regex(asked.stdout, /^password=forwarded$/m);
  t.regex(asked.stdout, /^host=git\.example\.org$/m);
  const inWorkspace = await run(
    id,
    'cd /workspaces/beside; git init --quiet; chown -R 4321 .git; git status',
  );
  t.is(inWorkspace.status, 0, inWorkspace.stderr);
  t.not((await run(id, 'touch /run/orgkey/new')).status, 0);
  // without the variables, as below sudo
  const bare = await run(id, `echo url=${url} | env -u GIT_CONFIG_COUNT git credential fill`);
  t.true(bare.stdout.includes(`password=${pat}`), bare.stderr);
});

inContainers('a mount in devcontainer.json puts a gateway in the place of the socket', async (t) => {
  const mount = `source=${join(daemon.runtime, 'gateways/agents')},target=/run/orgkey,type=bind,readonly`;
  const settings = {mounts: [mount], runArgs: ['--label', label, '--network=none']};
  const {id, stderr} = await up('gateway', {settings});
  t.not(id, '', stderr);
  const cloned = await run(id, `cd; git clone --quiet ${url} app; cat app/a.txt`);
  t.is(cloned.stdout, 'app', cloned.stderr);
});

inContainers('without the socket, the start says what to do on the host', async (t) => {
  mkdirSync(at('empty/orgkey/scoped/devcontainer'), {recursive: true});
  const started = await up('empty-directory', {session: at('empty')});
  t.not(started.id, '');
  t.regex(started.stderr, /orgkey: error: \/run\/orgkey has no gitconfig/);
  t.regex(started.stderr, /orgkey: hint: on the host, .*run: orgkey setup/);
  const missing = await up('no-directory', {session: at('missing')});
  t.not(missing.status, 0);
  t.regex(missing.stderr + missing.stdout, /missing\/orgkey\/scoped\/devcontainer.*no such file/is);
});

inContainers('the tool of dev containers packs the Feature, and its own test passes', async (t) => {
  const copy = at('features');
  cpSync(features, copy, {recursive: true});
  withoutRegistry(join(copy, 'src/orgkey'));
  const packed = await runPodman([
    process.execPath,
    tool,
    'features',
    'package',
    join(features, 'src'),
    '-o',
    at('packed'),
  ]);
  t.is(packed.status, 0, packed.stderr);
  const {features: listed} = JSON.parse(readFileSync(at('packed/devcontainer-collection.json'), 'utf8'));
  t.is(listed[0].id, 'orgkey');
  // this part of the tool knows docker only
  mkdirSync(at('bin'));
  writeFileSync(at('bin/docker'), '#!/bin/sh\nexec podman "$@"\n', {mode: 0o755});
  const args = ['--project-folder', copy, '--features', 'orgkey', '--base-image', baseImage];
  const tested = await runPodman([process.execPath, tool, 'features', 'test', ...args], {
    PATH: `${at('bin')}:${process.env['PATH'] ?? ''}`,
    XDG_RUNTIME_DIR: at('session'),
  });
  t.is(tested.status, 0, tested.stdout + tested.stderr);
});
