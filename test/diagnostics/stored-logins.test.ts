import {execFileSync} from 'node:child_process';
import test from 'ava';
import {checkStoredLogins} from '../../src/diagnostics/checks/check-stored-logins.ts';
import {NO_CONFIGURATION} from '../../src/config/default-settings.ts';
import {gitHere} from '../../src/git/run-git.ts';
import {readSeenSettings} from '../../src/git/seen-settings.ts';
import {patNamed} from '../helpers/fake-issuer.ts';
import {homeFor} from '../helpers/git-home.ts';

const of = {identity: patNamed('x'), place: 'config.yaml:1:1'};
const bindings = [
  {...of, host: 'dev.azure.com', organizations: ['contoso']},
  {...of, host: 'tfs.example.org', organizations: []},
];
const loaded = {kind: 'loaded', configuration: {...NO_CONFIGURATION, bindings}} as const;

const theirs = [
  'https://me:canary@github.com/a/b',
  'https://canary@github.com',
  'https://me:canary@dev.azure.com/fabrikam/p/_git/r',
  'http://me:canary@dev.azure.com/contoso',
  'not a login canary',
];
const ours = [
  'https://me:canary@dev.azure.com/ConToso/My%20Web/_git/r',
  'https://canary:@contoso.visualstudio.com',
  'https://me:canary@tfs.example.org/tfs/DefaultCollection',
];

const names = test.macro({
  exec: async (t, helper: string, file: string) => {
    const home = homeFor(t);
    await home.succeed(['config', '--global', 'credential.helper', helper]);
    home.write(file, `${[...theirs.slice(0, 2), ...ours, ...theirs.slice(2)].join('\n')}\n`, 0o600);
    const examine = async () => {
      const {environment} = home;
      return checkStoredLogins({
        settings: await readSeenSettings(gitHere(environment, home.directory)),
        loaded,
        environment,
      });
    };
    const [found, ...others] = await examine();
    t.deepEqual(others, []);
    t.like(found, {outcome: 'warning', title: 'stored logins'});
    t.true(
      found?.detail.endsWith(`${file} holds 3 logins for organizations of orgkey (line 3, 4, 5)`),
      found?.detail,
    );
    t.false(JSON.stringify(found).includes('canary'));

    execFileSync('sh', ['-c', found?.repair ?? ''], {env: home.environment, cwd: home.directory});
    t.deepEqual(await examine(), []);
    const left = execFileSync('cat', [file], {cwd: home.directory, encoding: 'utf8'});
    for (const line of theirs.slice(0, 4)) t.true(left.includes(`${line}\n`), line);
  },
  title: (_, helper: string, file: string) => `logins of our organizations in ${file} of ${helper} are named`,
});

test(names, 'store', '.git-credentials');
test(names, 'store', '.config/git/credentials');
test(names, "store --file '~/my logins'", 'my logins');
test(names, 'store --file=~/logins', 'logins');

test('a file that no helper reads is not looked at', async (t) => {
  const home = homeFor(t);
  home.write('.git-credentials', `${ours.join('\n')}\n`);
  await home.succeed(['config', '--global', 'credential.helper', 'stored']);
  const {environment} = home;
  const settings = await readSeenSettings(gitHere(environment, home.directory));
  t.deepEqual(await checkStoredLogins({settings, loaded, environment}), []);
});
