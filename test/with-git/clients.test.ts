import {spawnSync} from 'node:child_process';
import {homedir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {withCredentials} from '../helpers/git-world.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

/** Package managers that fetch a dependency from a private repository with git. */

const cloud = await cloudForFile();
const contoso = cloud.addOrganization('contoso', {tenant: cloud.addTenant()});
const pat = contoso.addPat().value;

/** A build backend of its own: pip then needs no other package. */
const backend = `from pathlib import Path
def prepare_metadata_for_build_wheel(directory, settings=None):
    made = Path(directory, 'part-1.0.dist-info')
    made.mkdir()
    (made / 'METADATA').write_text('Metadata-Version: 2.1\\nName: part\\nVersion: 1.0\\n')
    return made.name
def build_wheel(*_):
    raise NotImplementedError
`;
const part = contoso.addRepository('Web/part', {
  files: {
    'package.json': '{"name": "part", "version": "1.0.0"}\n',
    'Cargo.toml': '[package]\nname = "part"\nversion = "1.0.0"\nedition = "2021"\n',
    'src/lib.rs': '',
    'pyproject.toml':
      '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "part"\nversion = "1.0"\n',
    'backend.py': backend,
  },
});

interface Client {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly files: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const rustup = process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup');
const clients: readonly Client[] = [
  {
    name: 'cargo',
    command: ['cargo', 'fetch'],
    files: {
      'Cargo.toml': `[package]\nname = "whole"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\npart = {git = "${part.url}"}\n`,
      'src/lib.rs': '',
      // its own transport does not ask for a credential behind a proxy
      '.cargo/config.toml': '[net]\ngit-fetch-with-cli = true\n',
    },
    environment: {RUSTUP_HOME: rustup},
  },
  {
    name: 'npm',
    command: ['npm', 'install', '--no-audit', '--no-fund', `git+${part.url}`],
    files: {'package.json': '{"name": "whole", "version": "1.0.0"}\n'},
  },
  {
    name: 'pip',
    command: [
      'python3',
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--disable-pip-version-check',
      `part @ git+${part.url}`,
    ],
    files: {},
  },
];

for (const {name, command, files, environment = {}} of clients) {
  const [program, ...args] = command;
  const tried = spawnSync(program, name === 'pip' ? ['-m', 'pip', '--version'] : ['--version']);
  const withClient = testUnless(tried.status === 0 ? undefined : `${name} is not installed`, test.serial);

  withClient(`${name} fetches a private repository with the credential of its organization`, async (t) => {
    await part.ready();
    const {home} = await withCredentials(t, cloud, [
      `organizations: [contoso], personalAccessToken: "${pat}"`,
    ]);
    home.write('whole/.keep', '');
    for (const [path, text] of Object.entries(files)) home.write(`whole/${path}`, text);
    const before = cloud.requests.count({endpoint: 'git', status: 200});
    const ran = await home.run(program, args, {
      cwd: 'whole',
      // where the programs are depends on the user who installed them
      environment: {PYENV_ROOT: join(homedir(), '.pyenv'), ...environment},
    });
    t.is(ran.code, 0, `${ran.stdout}${ran.stderr}`);
    t.true(cloud.requests.count({endpoint: 'git', status: 200}) > before);
    t.false(home.has('asked'), 'no program asked for a password');
  });
}
