import test from 'ava';
import {Person} from '../helpers/command-line.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();

const tenant = cloud.addTenant();
const contoso = cloud.addOrganization('contoso', {tenant});
const fabrikam = cloud.addOrganization('fabrikam', {tenant});
const collection = cloud.addServer('tfs.example.org').addCollection('DefaultCollection');
const repositories = [contoso, fabrikam, collection].map((owner) =>
  owner.addRepository('Web/site', {files: {a: 'a'}}),
);

const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: "${contoso.addPat().value}"}
        - {organizations: [fabrikam], personalAccessToken: "${fabrikam.addPat().value}"}
    - host: tfs.example.org
      credentials:
        - {organizations: [DefaultCollection], personalAccessToken: "${collection.addPat().value}"}
`;

/** Spellings that no setting of `setup` covers. */
const spellings = [
  'https://dev.azure.com/cOntoSo/Web/_git/site',
  'https://dev.azure.com/fabriKAM/web/_git/SITE',
  'https://me@dev.azure.com/fabriKAM/Web/_git/site',
  'https://tfs.example.org/tfs/defaultCOLLECTION/Web/_git/site',
];

for (const git of gits) {
  const withGit = testUnless(git.missing, test.serial);

  withGit(`${git.name}: for any spelling, helpers before ours store nothing of it`, async (t) => {
    for (const repository of repositories) await repository.ready();
    const person = new Person(t, {
      ...cloud.environment(),
      PATH: `${git.path}:${process.env['PATH'] ?? ''}`,
      GIT_TERMINAL_PROMPT: '0',
    });
    // keeps what git gives it, except what git forbids to keep
    const manager = `!f() { [ "$1" = store ] || return; given=$(cat); case $given in *ephemeral=1*) ;; *) printf '%s\\n' "$given" >>"$HOME/given" ;; esac; }; f`;
    for (const helper of ['store', `cache --socket=${person.home}/cache/socket`, manager])
      await person.git(['config', '--global', '--add', 'credential.helper', helper]);
    person.configure(configuration);
    const setup = await person.run('setup', ['--service', 'plain']);
    t.is(setup.code, 0, setup.stderr);

    const cache = ['credential-cache', `--socket=${person.home}/cache/socket`];
    t.teardown(() => person.git([...cache, 'exit']));
    const nothing = async (what: string) => {
      t.is(person.read('.git-credentials'), undefined, what);
      t.notRegex(person.read('given') ?? '', /^(?:password|credential)=/m, what);
      const cached = await person.git([...cache, 'get'], {input: 'protocol=https\n\n'});
      t.is(cached.stdout, '', what);
    };
    for (const url of spellings) {
      const {code, stderr} = await person.git(['ls-remote', url]);
      t.is(code, 0, `${url}\n${stderr}`);
      await nothing(url);
      // as programs do that know of no capabilities, such as older versions of Git LFS
      const filled = await person.git(['credential', 'fill'], {input: `url=${url}\n\n`});
      t.regex(filled.stdout, /^password=./m);
      t.is((await person.git(['credential', 'approve'], {input: filled.stdout})).code, 0);
      await nothing(`git credential, ${url}`);
    }
    // these helpers do store what is not ours
    const input = 'protocol=https\nhost=example.com\nusername=a\npassword=b\n\n';
    await person.git(['credential', 'approve'], {input});
    t.is(person.read('.git-credentials'), 'https://a:b@example.com\n');
    t.regex(person.read('given') ?? '', /^password=b$/m);
  });
}
