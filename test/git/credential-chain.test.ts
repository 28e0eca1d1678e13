import test from 'ava';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {credentialChainFor, ourHelper} from '../../src/git/credential-chain.ts';
import {gitHere} from '../../src/git/run-git.ts';
import {describeOrigin, readSeenSettings} from '../../src/git/seen-settings.ts';
import {homeFor} from '../helpers/git-home.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';

const CONTOSO = 'https://dev.azure.com/contoso/web/_git/site';

/** Sections of a configuration; a helper's NAME is replaced by one that records its calls. */
const cases: readonly {readonly title: string; readonly config: string; readonly url?: string}[] = [
  {title: 'no helper at all', config: ''},
  {title: 'one helper for all hosts', config: '[credential]\nhelper = A'},
  {
    title: 'host and organization add up',
    config:
      '[credential]\nhelper = A\n[credential "https://dev.azure.com"]\nhelper = B\n[credential "https://dev.azure.com/contoso"]\nhelper = C',
  },
  {
    title: 'the order of the file counts, not the specificity',
    config: '[credential "https://dev.azure.com/contoso"]\nhelper = A\n[credential]\nhelper = B',
  },
  {
    title: 'an empty helper drops the ones before it',
    config: '[credential]\nhelper = A\n[credential "https://dev.azure.com"]\nhelper =\nhelper = B',
  },
  {
    title: 'an empty helper of another organization drops nothing',
    config: '[credential]\nhelper = A\n[credential "https://dev.azure.com/fabrikam"]\nhelper =\nhelper = B',
  },
  {
    title: 'paths are case-sensitive',
    config:
      '[credential "https://dev.azure.com/Contoso"]\nhelper = A\n[credential "https://dev.azure.com/contoso"]\nhelper = B',
  },
  {title: 'hosts are not case-sensitive', config: '[credential "https://DEV.azure.com/contoso"]\nhelper = A'},
  {
    title: 'only whole segments of a path match',
    config: '[credential "https://dev.azure.com/cont"]\nhelper = A',
  },
  {
    title: 'a trailing slash changes nothing',
    config: '[credential "https://dev.azure.com/contoso/"]\nhelper = A',
  },
  {
    title: 'a longer path',
    config:
      '[credential "https://dev.azure.com/contoso/web"]\nhelper = A\n[credential "https://dev.azure.com/contoso/other"]\nhelper = B',
  },
  {
    title: 'a star matches a label',
    config: '[credential "https://*.azure.com"]\nhelper = A\n[credential "https://*.com"]\nhelper = B',
  },
  {
    title: 'the default port',
    config:
      '[credential "https://dev.azure.com:443/contoso"]\nhelper = A\n[credential "https://dev.azure.com:8443/contoso"]\nhelper = B',
  },
  {title: 'another scheme', config: '[credential "http://dev.azure.com"]\nhelper = A'},
  {
    title: 'a host without scheme',
    config: '[credential "dev.azure.com"]\nhelper = A\n[credential "dev.azure.org"]\nhelper = B',
  },
  {
    title: 'a scheme without host',
    config: '[credential "https://"]\nhelper = A\n[credential "http://"]\nhelper = B',
  },
  {
    title: 'a user name that the URL does not have',
    config: '[credential "https://me@dev.azure.com"]\nhelper = A',
  },
  {
    title: 'a user name that the URL has',
    config:
      '[credential "https://me@dev.azure.com"]\nhelper = A\n[credential "https://you@dev.azure.com"]\nhelper = B',
    url: 'https://me@dev.azure.com/contoso/web/_git/site',
  },
  {
    title: 'encoded letters match',
    config: '[credential "https://dev.azure.com/cont%6Fso"]\nhelper = A',
  },
  {
    title: 'spaces in a path',
    config: '[credential "https://dev.azure.com/contoso/my%20web"]\nhelper = A',
    url: 'https://dev.azure.com/contoso/my%20web/_git/site',
  },
  {title: 'the path is sent', config: '[credential "https://dev.azure.com"]\nhelper = A\nuseHttpPath = true'},
  {
    title: 'the last setting counts, not the most specific',
    config:
      '[credential "https://dev.azure.com/contoso"]\nhelper = A\nuseHttpPath = true\n[credential]\nuseHttpPath = false',
  },
  {
    title: 'another host sends it',
    config: '[credential "https://example.com"]\nuseHttpPath = true\n[credential]\nhelper = A',
  },
  {title: 'dots in a path', config: '[credential "https://dev.azure.com/fabrikam/../contoso"]\nhelper = A'},
];

for (const git of gits) {
  const withGit = testUnless(git.missing);
  for (const {title, config, url = CONTOSO} of cases) {
    withGit(`${git.name}: the chain equals git's own: ${title}`, async (t) => {
      const home = homeFor(t, {PATH: `${git.path}:${process.env['PATH'] ?? ''}`, GIT_ASKPASS: 'true'});
      const log = join(home.directory, 'asked');
      const helper = (name: string) => `"!f() { { echo ${name}; cat; } >> '${log}'; }; f"`;
      home.write(
        '.gitconfig',
        `${config.replaceAll(/helper = ([A-Z])/g, (_all, name: string) => `helper = ${helper(name)}`)}\n`,
      );
      const [, user, path = ''] = /^https:\/\/(?:(\w+)@)?dev\.azure\.com\/(.*)$/.exec(url) ?? [];
      const username = user === undefined ? '' : `username=${user}\n`;
      await home.fill(`protocol=https\nhost=dev.azure.com\npath=${decodeURIComponent(path)}\n${username}\n`);
      const said = existsSync(log) ? readFileSync(log, 'utf8') : '';
      const asked = [...said.matchAll(/^[A-Z]$/gm)].map(([name]) => name);

      const settings = await readSeenSettings(gitHere(home.environment, home.directory));
      const chain = credentialChainFor(url, settings);
      t.deepEqual(
        chain.helpers.map(({value}) => /echo ([A-Z]);/.exec(value)?.[1]),
        asked,
      );
      if (asked.length > 0) t.is(chain.sendsPath, said.includes('\npath='));
    });
  }
}

test('settings come from files, the repository and variables', async (t) => {
  const home = homeFor(t, {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'credential.helper',
    GIT_CONFIG_VALUE_0: 'given',
  });
  home.write('.gitconfig', '[credential]\n\thelper = mine\n[include]\n\tpath = more\n');
  home.write('more', '[credential]\n\thelper = "two\\nlines"\n');
  await home.succeed(['init', '-q', 'repository']);
  await home.succeed(['-C', 'repository', 'config', 'credential.helper', '']);
  const settings = await readSeenSettings(gitHere(home.environment, join(home.directory, 'repository')));
  const helpers = settings.filter(({key}) => key === 'credential.helper');
  t.deepEqual(
    helpers.map(({scope, value}) => [scope, value]),
    [
      ['global', 'mine'],
      ['global', 'two\nlines'],
      ['local', ''],
      ['command', 'given'],
    ],
  );
  t.regex(
    helpers.map(describeOrigin).join('\n'),
    /^global, .*\.gitconfig\nglobal, .*more\nlocal, .*config\nset by/,
  );
});

test('a configuration that git cannot read is reported with its file', async (t) => {
  const home = homeFor(t);
  home.write('.gitconfig', '[credential\n');
  await t.throwsAsync(readSeenSettings(gitHere(home.environment, home.directory)), {
    code: 'ERR_GIT_CONFIG',
    message: /bad config line 1 in file .*\.gitconfig/,
  });
});

const helpers: readonly [value: string, ours: ReturnType<typeof ourHelper>][] = [
  [
    `!script='/opt/my tools/git-credential-orgkey'; f() { . "$script"; }; f`,
    {kind: 'script', path: '/opt/my tools/git-credential-orgkey'},
  ],
  [`!'/opt/my tools/git-credential-orgkey'`, {kind: 'script', path: '/opt/my tools/git-credential-orgkey'}],
  [
    String.raw`!'/opt/it'\''s/git-credential-orgkey'`,
    {kind: 'script', path: "/opt/it's/git-credential-orgkey"},
  ],
  ['/usr/bin/git-credential-orgkey', {kind: 'script', path: '/usr/bin/git-credential-orgkey'}],
  ['orgkey', {kind: 'name'}],
  ['cache --socket=/run/orgkey/git.sock', {kind: 'socket', path: '/run/orgkey/git.sock'}],
  ['cache --timeout=9 --socket /run/orgkey/git.sock', {kind: 'socket', path: '/run/orgkey/git.sock'}],
  ['cache', undefined],
  ['cache --socket=/home/me/.cache/git/credential/socket', undefined],
  ['store', undefined],
  ['manager', undefined],
  ['!echo /usr/bin/git-credential-orgkey', undefined],
  [`!'/usr/bin/git-credential-orgkey'; echo more`, undefined],
  ['orgkey-not', undefined],
];

for (const [value, expected] of helpers)
  test(`${value} is ${expected === undefined ? 'not ' : ''}our helper`, (t) => {
    t.deepEqual(ourHelper({value}), expected);
  });
