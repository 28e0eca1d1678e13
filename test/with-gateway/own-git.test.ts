import test, {type ExecutionContext} from 'ava';
import {type Cloud} from '../cloud/cloud.ts';
import {Person} from '../helpers/command-line.ts';
import {gits, type Git} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudFor, addContoso} from '../helpers/cloud-for.ts';

interface Owner {
  readonly cloud: Cloud;
  readonly person: Person;
  readonly url: string;
  readonly run: (command: string, ...argv: readonly string[]) => Promise<string>;
  readonly git: (...argv: readonly string[]) => Promise<string>;
}

async function succeed(what: string, outcome: ReturnType<Person['run']>): Promise<string> {
  const {code, stdout, stderr} = await outcome;
  if (code !== 0) throw new Error(`${what}: ${String(code)}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

/** A user with one organization by name, and another one that no credential covers. */
async function owner(t: ExecutionContext, git: Git): Promise<Owner> {
  const cloud = await cloudFor(t);
  const {contoso, credential} = addContoso(cloud);
  const {url} = contoso.addRepository('web/site', {files: {'a.txt': 'hello\n'}});
  cloud.addOrganization('stranger', {tenant: cloud.addTenant()}).addRepository('x/y', {files: {a: 'a'}});
  const person = new Person(t, {
    ...cloud.environment(),
    GIT_TERMINAL_PROMPT: '0',
    PATH: `${git.path}:${process.env['PATH'] ?? ''}`,
  });
  person.configure(`integrations:
  azure:
    - credentials:
        - {${credential}}
`);
  return {
    cloud,
    person,
    url,
    run: (command, ...argv) => succeed(command, person.run(command, argv)),
    git: (...argv) => succeed(`git ${argv[0]}`, person.git(argv)),
  };
}

const IDENTITY = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.org'];

for (const git of gits)
  testUnless(git.missing, test.serial)(
    `setup --gateway leads ${git.name} through a gateway, and takes it back`,
    async (t) => {
      const {cloud, person, url, run, git: ask} = await owner(t, git);
      person.write('.gitconfig', '[user]\n\tname = Ann\n');
      const before = person.read('.config/orgkey/config.yaml');
      const plan = await run('setup', '--gateway', '--service', 'plain', '--dry-run');
      t.regex(plan, /\+.*name: "own"[^]*repositories: \["contoso\/\*\/\*"\][^]*\+ url\.http:/);
      t.is(person.read('.config/orgkey/config.yaml'), before);

      await run('setup', '--gateway', '--service', 'plain');
      cloud.requests.clear();
      const spelled = url.replace('dev.azure.com/contoso', 'contoso@dev.azure.com/Contoso');
      await ask('clone', '--quiet', spelled, 'site');
      t.is(await ask('-C', 'site', 'config', 'remote.origin.url'), `${spelled}\n`, 'the address stays');
      await ask('-C', 'site', ...IDENTITY, 'commit', '--quiet', '--allow-empty', '--message', 'x');
      await ask('-C', 'site', 'push', '--quiet', 'origin', 'HEAD:refs/heads/new');
      await ask('-C', 'site', 'push', '--quiet', 'origin', ':refs/heads/new');
      t.is(cloud.requests.count({endpoint: 'git', status: 401}), 0, 'no request went without the credential');
      t.regex(await run('gateway list'), /^own +contoso\/\*\/\* +refs\/\*/m);
      t.regex(await run('which', url), /^gateways +own \(fetch, push to refs\/\*\)$/m);
      t.regex(await run('doctor', url), /git ls-remote works, through a gateway/);

      // an organization without a credential is asked as before
      const {code, stderr} = await person.git(['ls-remote', 'https://dev.azure.com/stranger/x/_git/y']);
      t.not(code, 0);
      t.notRegex(stderr, /orgkey\.invalid|127\.0\.0\.1/);

      t.regex(await run('setup', '--gateway', '--service', 'plain'), /git: everything is in place/);
      t.regex(await run('setup', '--service', 'plain'), /git: everything is in place/, 'it stays');

      await run('setup', '--no-gateway', '--service', 'plain');
      t.notRegex(person.read('.config/orgkey/gitconfig') ?? '', /insteadOf/);
      t.notRegex(person.read('.config/orgkey/config.yaml') ?? '', /own/);
      await ask('-C', 'site', 'fetch', '--quiet');

      await run('setup', '--gateway', '--service', 'plain');
      await run('uninstall');
      t.is(person.read('.gitconfig'), '[user]\n\tname = Ann\n');
      t.is(person.read('.config/orgkey/gitconfig'), undefined);
    },
  );

const [, newer] = gits;
testUnless(newer?.missing, test.serial)('git with LFS is led to a port, which LFS can reach', async (t) => {
  if (newer === undefined) return t.fail();
  const {person, run, git: ask, url} = await owner(t, newer);
  person.write('.gitconfig', '[filter "lfs"]\n\tprocess = git-lfs filter-process\n');
  await run('setup', '--gateway', '--service', 'plain');
  t.regex(person.read('.config/orgkey/config.yaml') ?? '', /listen: "127\.0\.0\.1:9[45]\d8"/);
  await ask('ls-remote', url);
  t.regex(await run('doctor', url), /git ls-remote works, through a gateway/);
});

testUnless(newer?.missing, test.serial)('doctor names what keeps git from its gateway', async (t) => {
  if (newer === undefined) return t.fail();
  const {person, run, url} = await owner(t, newer);
  await run('setup', '--gateway', '--service', 'plain');
  const examine = async (environment: Readonly<Record<string, string>> = {}) => {
    const {stdout} = await person.run('doctor', [url, '--json'], {environment});
    const {diagnostics} = JSON.parse(stdout) as {diagnostics: Record<string, string>[]};
    return diagnostics
      .filter(({group}) => group === 'gateways')
      .map(({title, outcome, detail, repair}) => `${title} ${outcome}: ${detail} → ${repair}`)
      .join('\n');
  };
  t.regex(await examine(), /^listeners ok: own.*\nsettings ok: git is led to .*gateway\.sock/);
  t.regex(await examine({NO_PROXY: '.invalid', no_proxy: ''}), /NO_PROXY failed: .* → unset NO_PROXY/);
  t.regex(
    await examine({PATH: `${gits[0]?.path ?? ''}:${process.env['PATH'] ?? ''}`}),
    /version failed: git .* cannot reach a gateway's socket/,
  );
  const file = person.read('.config/orgkey/config.yaml') ?? '';
  person.write('.config/orgkey/config.yaml', file.replace('name: "own"', 'name: "other"'));
  await run('service restart', '--service', 'plain');
  t.regex(await examine(), /settings failed: git is led to .* → orgkey service start\nor, .*: orgkey setup/);
});

test.serial(
  'a gateway for the own git needs an organization, and is not for the whole machine',
  async (t) => {
    const person = new Person(t);
    person.configure('integrations: {azure: [{credentials: [{stored: true}]}]}\n');
    const without = await person.run('setup', ['--gateway', '--service', 'none']);
    t.is(without.code, 5);
    t.regex(without.stderr, /no organization has a credential that a gateway can use/);
    person.configure();
    for (const argv of [
      ['--gateway', '--system'],
      ['--gateway', '--no-gateway'],
    ])
      t.is((await person.run('setup', [...argv, '--service', 'none'])).code, 2);
    t.is(person.read('.gitconfig'), undefined);
  },
);
