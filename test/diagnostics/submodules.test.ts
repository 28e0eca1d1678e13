import test from 'ava';
import {chmodSync, rmSync, utimesSync} from 'node:fs';
import {join} from 'node:path';
import {NO_CONFIGURATION} from '../../src/config/default-settings.ts';
import {checkSubmodules} from '../../src/diagnostics/checks/check-submodules.ts';
import {gitHere} from '../../src/git/run-git.ts';
import {readSeenSettings} from '../../src/git/seen-settings.ts';
import type {SubmoduleSettings} from '../../src/config/configuration.ts';
import {Secret} from '../../src/secret/secret.ts';
import {type GitHome, homeFor} from '../helpers/git-home.ts';
import {testKey} from '../helpers/submodule-world.ts';
import {sshWrapper} from '../helpers/program.ts';

const {key, privateKey} = await testKey();
const fit = `key ok: the key of contoso can be used: ssh-rsa 4096, ${key.fingerprint}`;

const rule: SubmoduleSettings = {
  organizations: ['contoso'],
  host: 'ssh.dev.azure.com',
  privateKey: {from: 'held', secret: Secret.fromText(privateKey)},
  keyFile: undefined,
  repositories: [],
  knownHosts: undefined,
  place: 'config.yaml:1:1',
};

/** Returns the diagnostics, without the one about the usable key. */
async function look(
  home: GitHome,
  directory = '.',
  {
    hasKey = true,
    rules = hasKey ? [rule] : [],
  }: {hasKey?: boolean; rules?: readonly SubmoduleSettings[]} = {},
): Promise<string[]> {
  const {environment} = home;
  const git = gitHere(environment, join(home.directory, directory));
  const settings = await readSeenSettings(git);
  const configuration = {...NO_CONFIGURATION, settings: {...NO_CONFIGURATION.settings, submodules: rules}};
  const found = await checkSubmodules({
    git,
    settings,
    environment,
    loaded: {kind: 'loaded', configuration},
    sshWrapper,
    stateDirectory: home.directory,
    now: Date.now,
  });
  return found
    .map(
      ({title, outcome, detail, repair}) =>
        `${title} ${outcome}: ${detail}${repair === undefined ? '' : ` → ${repair}`}`,
    )
    .filter((line) => line !== fit);
}

/** Makes a repository `site` with a submodule `library` that has this URL in .gitmodules. */
async function withSubmodule(home: GitHome, url: string, init: readonly string[] = []): Promise<void> {
  await home.succeed(['init', '-q', 'origin']);
  await home.succeed(['-C', 'origin', 'commit', '-q', '--allow-empty', '-m', 'first']);
  await home.succeed(['init', '-q', ...init, 'site']);
  await home.succeed(['-C', 'site', 'submodule', '--quiet', 'add', `${home.directory}/origin`, 'library']);
  await home.succeed(['-C', 'site', 'config', '-f', '.gitmodules', 'submodule.library.url', url]);
}

const SSH = 'git@ssh.dev.azure.com:v3/contoso/web/library';

test('with a key, git has to be set up to run the wrapper', async (t) => {
  const home = homeFor(t);
  t.deepEqual(await look(home, '.', {hasKey: false}), [
    'key skipped: no organization has a key for submodules',
  ]);
  t.deepEqual(await look(home), [
    'wrapper failed: git is not set up to use the key in submodules → orgkey setup',
  ]);
  await home.useWrapper();
  t.deepEqual(await look(home), [`wrapper ok: in submodules git runs ${sshWrapper}`]);
  await home.useWrapper('/nowhere/orgkey-ssh');
  t.deepEqual(await look(home), [
    'wrapper failed: /nowhere/orgkey-ssh does not exist or is not executable → orgkey setup',
  ]);
});

test('a setting that replaces the wrapper is found', async (t) => {
  const home = homeFor(t, {GIT_SSH_COMMAND: 'ssh -i canary'});
  await home.useWrapper();
  t.regex((await look(home))[1] ?? '', /^GIT_SSH_COMMAND warning: .* → unset GIT_SSH_COMMAND/);
  const other = homeFor(t);
  await other.succeed(['config', '--global', 'core.sshCommand', 'ssh -v']);
  await other.useWrapper();
  t.is((await look(other)).length, 1, 'an earlier setting does no harm');
  await withSubmodule(other, SSH);
  await other.succeed(['-C', 'site', 'config', 'core.sshCommand', 'ssh -v']);
  t.is((await look(other, 'site')).length, 1, 'a setting of the superproject does not reach its submodules');
  await other.succeed(['-C', 'site/library', 'config', 'core.sshCommand', 'ssh -v']);
  const [, found = ''] = await look(other, 'site/library');
  t.regex(found, /^core\.sshCommand warning: .*\(local, .*→ git config /);
  const repaired = await other.run('sh', ['-c', found.split(' → ')[1] ?? ''], {cwd: 'site/library'});
  t.is(repaired.code, 0, repaired.stderr);
  t.is((await look(other, 'site/library')).length, 1, 'the repair repairs');
});

test('submodules without a git directory in .git/modules are reported', async (t) => {
  const home = homeFor(t);
  await home.useWrapper();
  await withSubmodule(home, SSH);
  t.is((await look(home, 'site')).length, 1);
  t.is((await look(home, 'site/library')).length, 1);

  await home.succeed(['clone', '-q', 'origin', 'site/old']);
  await home.succeed(['-C', 'site', 'config', '-f', '.gitmodules', 'submodule.old.path', 'old']);
  await home.succeed(['-C', 'site', 'config', '-f', '.gitmodules', 'submodule.old.url', SSH]);
  t.regex(
    (await look(home, 'site'))[1] ?? '',
    /^old submodules warning: .*: old → git submodule absorbgitdirs$/,
  );

  const apart = homeFor(t);
  await apart.useWrapper();
  await withSubmodule(apart, SSH, ['--separate-git-dir', join(apart.directory, 'elsewhere')]);
  const [, found = ''] = await look(apart, 'site');
  t.regex(found, /^git directory warning: .*elsewhere, a name that the settings do not expect → git config /);
  const [, key = '', file = ''] = /→ git config --global '([^']+)' '([^']+)'$/.exec(found) ?? [];
  await apart.succeed(['config', '--global', key, file]);
  t.is((await look(apart, 'site')).length, 1, 'the repair repairs');
  const wrapper = await apart.git(['config', 'core.sshCommand'], {cwd: 'site/library'});
  t.regex(wrapper.stdout, /orgkey-ssh/);
});

test('an ssh submodule of an organization without a key is reported', async (t) => {
  const home = homeFor(t);
  await withSubmodule(home, 'git@ssh.dev.azure.com:v3/fabrikam/shared/library');
  const expected =
    /^key warning: the submodule library uses ssh to fabrikam, which has no key → orgkey ssh-key new fabrikam\nor use HTTPS in \.gitmodules: https:\/\/dev\.azure\.com\/fabrikam\/shared\/_git\/library$/m;
  t.regex((await look(home, 'site', {hasKey: false})).join('\n'), expected);
  await home.useWrapper();
  t.regex((await look(home, 'site')).join('\n'), expected);
});

test('an ssh remote of the repository itself is reported, and the repair works', async (t) => {
  const home = homeFor(t);
  await home.succeed(['init', '-q', 'site']);
  await home.succeed([
    '-C',
    'site',
    'remote',
    'add',
    'origin',
    'git@ssh.dev.azure.com:v3/contoso/My%20Web/site',
  ]);
  const [, found = ''] = await look(home, 'site', {hasKey: false});
  t.regex(
    found,
    /^ssh remote warning: origin uses ssh, and orgkey serves ssh for submodules only → git config --global url\.\S+\.insteadOf \S+$/,
  );
  const command = found.slice(found.indexOf('→ git ') + '→ git '.length);
  await home.succeed(command.split(' '));
  t.is(
    await home.succeed(['-C', 'site', 'remote', 'get-url', 'origin']),
    'https://dev.azure.com/contoso/My%20Web/_git/site',
  );
  t.is((await look(home, 'site', {hasKey: false})).length, 1, 'repaired');

  await home.succeed([
    '-C',
    'site',
    'remote',
    'add',
    'old',
    'contoso@vs-ssh.visualstudio.com:v3/contoso/web/old',
  ]);
  await home.succeed(['-C', 'site', 'remote', 'add', 'far', 'git@github.com:contoso/site.git']);
  const [, old = '', ...others] = await look(home, 'site', {hasKey: false});
  t.regex(old, /→ git remote set-url old https:\/\/dev\.azure\.com\/contoso\/web\/_git\/old$/);
  t.deepEqual(others, []);
});

test('a hostile .gitmodules causes no diagnostic', async (t) => {
  const home = homeFor(t);
  await home.useWrapper();
  await home.succeed(['init', '-q', 'site']);
  home.write(
    'site/.gitmodules',
    '[submodule "x"]\n\tpath = ../../../etc\n\turl = git@ssh.dev.azure.com:v3/fabrikam/a/b\n[submodule "y"]\n\tpath = "a\\u001b[31m"\n\turl = "git@ssh.dev.azure.com:v3/fabrikam/a/\\tb"\n[include]\n\tpath = /etc/passwd\n',
  );
  const found = await look(home, 'site');
  t.is(found.length, 1, found.join('\n'));
});

test('an unusable key is reported', async (t) => {
  const home = homeFor(t);
  await home.useWrapper();
  const said = async (change: Partial<SubmoduleSettings>) =>
    (await look(home, '.', {rules: [{...rule, ...change}]})).slice(1);
  t.deepEqual(await said({}), []);

  const path = home.write('key', privateKey, 0o600);
  const fromFile = {privateKey: {from: 'file', path}, keyFile: path} as const;
  t.deepEqual(await said(fromFile), []);
  const old = new Date(Date.now() - 400 * 24 * 3600 * 1000);
  utimesSync(path, old, old);
  t.deepEqual(await said(fromFile), [
    'key warning: the key of contoso is older than a year: in Azure DevOps it has expired → orgkey ssh-key add contoso',
  ]);
  chmodSync(path, 0o644);
  t.regex(
    (await said(fromFile)).join('\n'),
    /^key failed: the key of contoso: the file .* can be read by others → chmod /,
  );
  const withPassphrase = Secret.fromText(privateKey.replace('PRIVATE', 'ENCRYPTED PRIVATE'));
  t.regex(
    (await said({privateKey: {from: 'held', secret: withPassphrase}})).join('\n'),
    /^key failed: the key of contoso: the key has a passphrase.* → .*ssh-keygen -p/,
  );
  t.deepEqual(await said({privateKey: {from: 'keyring', name: 'x'}}), [
    'key skipped: the key of contoso is not in a file: only the daemon can read it',
  ]);
});

test('a server without a pinned host key is reported', async (t) => {
  const home = homeFor(t);
  await home.useWrapper();
  const said = async (change: Partial<SubmoduleSettings>) =>
    (await look(home, '.', {rules: [{...rule, host: 'tfs.example.org', ...change}]})).slice(1).join('\n');
  const none = 'host key failed: no host key is pinned for tfs.example.org: orgkey fetches nothing from it';
  t.is(await said({}), `${none} → orgkey ssh-key trust tfs.example.org`);
  t.is(await said({host: 'tfs.example.org:2222'}), `${none} → orgkey ssh-key trust tfs.example.org:2222`);
  const line = key.publicLine('');
  t.is(await said({knownHosts: `tfs.example.org ${line}`}), '');
  t.regex(
    await said({knownHosts: `other.example.org ${line}`}),
    /^host key failed: .* into knownHosts of the rule/,
  );

  home.write('known_hosts', `@revoked tfs.example.org ${line}\n`);
  t.true((await said({})).startsWith(none));
  home.write('known_hosts', `[tfs.example.org]:2222 ${line}\n`);
  t.is(await said({}), '', 'at any port');
  rmSync(join(home.directory, 'known_hosts'));
  home.write('known_hosts/of-the-daemon', '');
  t.regex(await said({}), /^host key skipped: only the daemon can read /);
});
