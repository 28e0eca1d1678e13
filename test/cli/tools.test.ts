import {existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Person} from '../helpers/command-line.ts';

const foreign = {
  '.config/pip/pip.conf': '# mine\n[install]\nno-cache-dir = true',
  '.cargo/config.toml': '[registry]\n# mine\ndefault = "x"\n',
  '.config/go/env': 'GOPRIVATE=example.org\n',
  '.npmrc': '//npm.example.org/:_authToken=canary-theirs\n',
  '.config/uv/uv.toml': '[pip]\nno-cache = true\n',
  '.bazelrc': 'build --jobs=4\n',
};
const tools = ['cargo', 'pip', 'uv', 'pnpm', 'nuget', 'bazel', 'go'];

function personWithFiles(t: ExecutionContext): Person {
  const person = new Person(t);
  person.configure();
  for (const [path, text] of Object.entries(foreign)) person.write(path, text);
  return person;
}

function filesOf(person: Person): Record<string, string | undefined> {
  return Object.fromEntries(Object.keys(foreign).map((path) => [path, person.read(path)]));
}

test.serial(
  'tools install shows its changes first, makes them once, and takes exactly them back',
  async (t) => {
    const person = personWithFiles(t);
    const shown = await person.run('tools install', [...tools, '--dry-run']);
    t.is(shown.code, 0, shown.stderr);
    t.regex(
      shown.stdout,
      /cargo: would change .*\/\.cargo\/config\.toml\n {2}.*\+ global-credential-providers = /,
    );
    t.deepEqual(filesOf(person), foreign, 'a dry run changes nothing');

    const made = await person.run('tools install', tools);
    t.is(made.code, 0, made.stderr);
    t.false((made.stdout + made.stderr + shown.stdout).includes('canary'), 'lines of the user are not shown');
    const after = filesOf(person);
    t.regex(
      after['.cargo/config.toml'] ?? '',
      /^\[registry\]\nglobal-credential-providers = .*orgkey"\]\n# mine\n/,
    );
    t.true(after['.config/pip/pip.conf']?.endsWith('\n\n[global]\nkeyring-provider = subprocess\n'));
    t.true(after['.config/uv/uv.toml']?.startsWith('keyring-provider = "subprocess"\n[pip]\n'));
    t.regex(after['.config/go/env'] ?? '', /^GOPRIVATE=example\.org,dev\.azure\.com\nGOAUTH=\/.*;netrc\n$/);
    t.regex(
      after['.bazelrc'] ?? '',
      /\ncommon --credential_helper=\*\.dev\.azure\.com=\/.*orgkey-bazel-helper\n/,
    );
    t.regex(
      after['.npmrc'] ?? '',
      /\n\/\/pkgs\.dev\.azure\.com\/contoso\/:tokenHelper=\/.*\/orgkey-token-contoso\n/,
    );
    const links = person.path('.local/share/orgkey/tools');
    t.true(readdirSync(links).includes('orgkey-token-fabrikam'));
    t.true(readlinkSync(person.path('.local/bin/nuget-plugin-orgkey')).endsWith('/nuget-plugin-orgkey'));

    await person.run('tools install', tools);
    t.deepEqual(filesOf(person), after, 'twice is once');
    const removed = await person.run('tools remove');
    t.is(removed.code, 0, removed.stderr);
    t.deepEqual(filesOf(person), foreign);
    t.false(existsSync(person.path('.local/bin/nuget-plugin-orgkey')));
    t.is(person.read('.local/state/orgkey/tools.json'), undefined);
  },
);

test.serial('uninstall takes back what tools install wrote', async (t) => {
  const person = personWithFiles(t);
  await person.run('tools install', ['cargo', 'pip']);
  t.notDeepEqual(filesOf(person), foreign);
  const shown = await person.run('uninstall', ['--dry-run']);
  t.regex(shown.stdout, /pip: would change /);
  const {code, stderr} = await person.run('uninstall');
  t.is(code, 0, stderr);
  t.deepEqual(filesOf(person), foreign);
});

test.serial('a setting of the user is named, stays, and makes the exit code 1', async (t) => {
  const person = personWithFiles(t);
  const own = '[registry]\nglobal-credential-providers = ["cargo:libsecret"]\n';
  person.write('.cargo/config.toml', own);
  person.write('.local/bin/nuget-plugin-orgkey', 'theirs');
  const {code, stderr} = await person.run('tools install', ['cargo', 'nuget', 'pip']);
  t.is(code, 1);
  t.regex(stderr, /cargo: your own setting stays: .*cargo:libsecret/);
  t.regex(stderr, /nuget: your own setting stays: .*exists already/);
  t.is(person.read('.cargo/config.toml'), own);
  t.is(person.read('.local/bin/nuget-plugin-orgkey'), 'theirs');
  t.true(
    person.read('.config/pip/pip.conf')?.includes('keyring-provider = subprocess'),
    'the others are made',
  );
});

test.serial('without names, the installed tools are made to ask', async (t) => {
  const person = personWithFiles(t);
  const programs = person.path('programs');
  mkdirSync(programs);
  writeFileSync(join(programs, 'bazel'), '#!/bin/sh\n', {mode: 0o755});
  writeFileSync(join(programs, 'go'), 'not executable', {mode: 0o644});
  const environment = {PATH: `${programs}:/nonexistent`};
  const {code, stderr} = await person.run('tools install', [], {environment});
  t.is(code, 0, stderr);
  t.deepEqual(
    Object.entries(filesOf(person)).flatMap(([path, text]) =>
      text === foreign[path as keyof typeof foreign] ? [] : [path],
    ),
    ['.bazelrc'],
  );
});

for (const [name, hint] of [
  ['npm', /orgkey exec ORGANIZATION -- npm/],
  ['maven', /orgkey exec ORGANIZATION -- mvn/],
  ['carg', /cargo, pip/],
] as const)
  test.serial(`tools install refuses ${name}, and says what to do`, async (t) => {
    const person = personWithFiles(t);
    const {code, stderr} = await person.run('tools install', [name]);
    t.is(code, 2);
    t.regex(stderr, hint);
    t.deepEqual(filesOf(person), foreign);
  });

test.serial('tools list and doctor name what is missing, and what would win', async (t) => {
  const person = personWithFiles(t);
  await person.run('tools install', ['cargo', 'go', 'pnpm']);
  person.write('.cargo/config.toml', foreign['.cargo/config.toml']);
  const environment = {GOAUTH: 'netrc'};
  person.write(
    '.npmrc',
    `${person.read('.npmrc')}//pkgs.dev.azure.com/contoso/_packaging/x/npm/registry/:_authToken=canary-x\n`,
  );
  const {stdout} = await person.run('tools list', ['--json'], {environment});
  const listed = JSON.parse(stdout).tools as {
    name: string;
    state: string;
    problems: string[];
    rivals: string[];
  }[];
  const of = (name: string) => listed.find((tool) => tool.name === name);
  t.is(of('cargo')?.state, 'incomplete');
  t.regex(of('cargo')?.problems[0] ?? '', /config\.toml lacks a line/);
  t.deepEqual(of('go')?.rivals, ['the variable GOAUTH']);
  t.regex(of('pnpm')?.rivals[0] ?? '', /\.npmrc:\d+, a token for a feed/);
  t.is(of('pip')?.state, 'does not ask');
  t.false(stdout.includes('canary'));

  const report = JSON.parse((await person.run('doctor', ['--json'], {environment})).stdout);
  const found = report.diagnostics.filter(({group}: {group: string}) => group === 'tools');
  const titles = found.map(({title, outcome}: {title: string; outcome: string}) => `${title} ${outcome}`);
  t.true(titles.includes('cargo warning'));
  t.true(titles.includes('go warning'));
  t.false(
    titles.some((one: string) => one.startsWith('pip')),
    'a tool that was not set up is not reported',
  );
  t.false(JSON.stringify(report).includes('canary-x'));
});

test.serial('setup --tools makes the named tools ask, and shows it first', async (t) => {
  const person = personWithFiles(t);
  const shown = await person.run('setup', ['--tools', 'cargo,uv', '--service', 'none', '--dry-run']);
  t.is(shown.code, 0, shown.stderr);
  t.regex(shown.stdout, /uv: would change /);
  t.deepEqual(filesOf(person), foreign);
  const made = await person.run('setup', ['--tools=cargo,uv', '--service', 'none']);
  t.is(made.code, 0, made.stderr);
  t.regex(person.read('.config/uv/uv.toml') ?? '', /^keyring-provider/);
  t.is(person.read('.bazelrc'), foreign['.bazelrc']);
});
