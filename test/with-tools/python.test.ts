import test, {type ExecutionContext} from 'ava';
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {BlobStore} from '../cloud/feeds/blob-store.ts';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {leaveDeadSocket} from '../helpers/leave-dead-socket.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {auditOf, programs, toolWorld, type ToolWorld} from '../helpers/tool-world.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

const python = findPython();
const withPip = testUnless(
  python === undefined ? 'there is no Python with pip 23.1 or later' : undefined,
  test.serial,
);
const twinePackages = join(import.meta.dirname, '../../.cache/twine/root/usr/lib/python3/dist-packages');
const withTwine = testUnless(
  existsSync(twinePackages) ? undefined : 'there is no twine: scripts/test-packages twine brings it',
  test.serial,
);

const cloud = await cloudForSerial({isUsed: python !== undefined || existsSync(twinePackages)});
const {contoso, credential} = addContoso(cloud);
const fabrikam = cloud.addOrganization('fabrikam');
const tools = contoso.addFeed('tools');
const parts = fabrikam.addFeed('parts');
cloud.addOrganization('wingtip').addFeed('tools');
const credentials = [
  credential,
  `organizations: [fabrikam], personalAccessToken: ${fabrikam.addPat().value}`,
];

const TOOLS = 'https://pkgs.dev.azure.com/contoso/web/_packaging/tools/pypi/simple/';
const PARTS = 'https://fabrikam.pkgs.visualstudio.com/_packaging/parts/pypi/simple/';
const MAKE_WHEEL = `import base64, io, sys, zipfile
name = sys.argv[1]
made = io.BytesIO()
with zipfile.ZipFile(made, 'w') as archive:
    info = f'{name}-1.0.dist-info/'
    archive.writestr(f'{name}.py', '')
    archive.writestr(info + 'METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')
    archive.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    archive.writestr(info + 'RECORD', '')
sys.stdout.write(base64.b64encode(made.getvalue()).decode())`;

function wheel(name: string): Buffer {
  const {stdout} = spawnSync(python ?? 'python3', ['-c', MAKE_WHEEL, name], {encoding: 'utf8'});
  return Buffer.from(stdout, 'base64');
}

function pythonWorld(t: ExecutionContext): Promise<ToolWorld> {
  for (const [feed, name] of [
    [tools, 'gear'],
    [parts, 'cog'],
  ] as const)
    feed.pypi.set(name, new Map([[`${name}-1.0-py3-none-any.whl`, wheel(name)]]));
  return toolWorld(t, cloud, credentials);
}

/** Downloads a package with pip, as the documents say. */
function pip(
  home: GitHome,
  index: string,
  name: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const args = ['-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--dest', 'downloads', name];
  return home.run(python ?? '', args, {
    environment: {
      PIP_INDEX_URL: index.replace('https://', 'https://VssSessionToken@'),
      PIP_KEYRING_PROVIDER: 'subprocess',
      PIP_NO_INPUT: '1',
      PIP_CERT: cloud.caFile,
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      PIP_CONFIG_FILE: '/dev/null',
      ...more,
    },
  });
}

withPip('pip installs from the feeds of two organizations', async (t) => {
  const {daemon, home} = await pythonWorld(t);
  for (const [index, name] of [
    [TOOLS, 'gear'],
    [PARTS, 'cog'],
  ] as const) {
    const ran = await pip(home, index, name);
    t.is(ran.code, 0, ran.stderr);
    t.true(home.has(`downloads/${name}-1.0-py3-none-any.whl`));
  }
  t.true(
    cloud.requests.filter({host: BlobStore.host}).every(({authorization}) => authorization === undefined),
  );
  const entries = await auditOf(daemon, 'pip', 2);
  t.deepEqual(
    entries.map(({organization, feed}) => `${organization} ${feed}`),
    ['contoso web/tools', 'fabrikam parts'],
  );
});

withPip('a token that was refused is replaced when pip asks again', async (t) => {
  const {home} = await pythonWorld(t);
  t.is((await pip(home, TOOLS, 'gear')).code, 0);
  const [given] = cloud.requests.filter({endpoint: 'feed', status: 200});
  cloud.revoke(given?.authorization?.secret ?? '');
  const ran = await pip(home, TOOLS, 'gear');
  t.is(ran.code, 0, ran.stderr);
  t.is(cloud.requests.count({endpoint: 'token'}), 2);
});

for (const [title, index, pattern] of [
  [
    'an organization that is not configured',
    TOOLS.replace('contoso', 'wingtip'),
    /^orgkey: error: wingtip is not configured/m,
  ],
  ['an address without an organization', 'https://pkgs.dev.azure.com/', undefined],
  ['a feed that does not exist', TOOLS.replace('tools', 'other'), undefined],
] as const)
  withPip(`pip and ${title}: it finds nothing, and orgkey says no more than it knows`, async (t) => {
    const {home} = await pythonWorld(t);
    const {code, stderr} = await pip(home, index, 'gear');
    t.not(code, 0);
    if (pattern === undefined) t.notRegex(stderr, /orgkey: /);
    else t.regex(stderr, pattern);
  });

withPip('why an organization fails reaches the user through pip', async (t) => {
  const {home} = await pythonWorld(t);
  cloud.fault({endpoint: 'token', aadsts: 7_000_222, error: 'invalid_client', status: 401});
  const failed = await pip(home, TOOLS, 'gear');
  t.not(failed.code, 0);
  t.regex(failed.stderr, /^orgkey: error: contoso: .*\norgkey: hint: /m);
  const down = await pip(home, TOOLS, 'gear', {ORGKEY_RUNTIME_DIR: leaveDeadSocket(home.directory)});
  t.regex(down.stderr, /^orgkey: error: the orgkey daemon does not answer$/m);
});

withTwine('twine uploads with our backend of keyring', async (t) => {
  const {home} = await toolWorld(t, cloud, credentials);
  home.write('dist/lever-1.0-py3-none-any.whl', '');
  spawnSync('sh', ['-c', 'base64 -d > dist/lever-1.0-py3-none-any.whl'], {
    cwd: home.directory,
    input: wheel('lever').toString('base64'),
  });
  const args = ['-m', 'twine', 'upload', '--non-interactive', '--repository-url'];
  const upload = (address: string) =>
    home.run('/usr/bin/python3', [...args, address, 'dist/lever-1.0-py3-none-any.whl'], {
      environment: {
        PYTHONPATH: [join(programs, 'python'), twinePackages].join(':'),
        REQUESTS_CA_BUNDLE: cloud.caFile,
        TWINE_USERNAME: 'orgkey',
      },
    });
  const uploaded = await upload(TOOLS.replace('simple/', 'upload/'));
  t.is(uploaded.code, 0, uploaded.stdout + uploaded.stderr);
  t.true(tools.pypi.get('lever')?.has('lever-1.0-py3-none-any.whl'));
  // the backend comes to an end for a foreign address, although the keyring of the PATH is Python's
  const foreign = await upload('https://upload.example.org/legacy/');
  t.not(foreign.code, 0);
  t.regex(foreign.stderr + foreign.stdout, /password|Credential/i);
});

function findPython(): string | undefined {
  const probe = 'import sys, pip; print(sys.executable); print(pip.__version__)';
  const {stdout} = spawnSync('python3', ['-c', probe], {encoding: 'utf8'});
  const [program, version = ''] = (stdout ?? '').split('\n');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) ? program : undefined;
}
