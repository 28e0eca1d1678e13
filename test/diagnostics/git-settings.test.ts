import test from 'ava';
import {join} from 'node:path';
import {checkGit} from '../../src/diagnostics/checks/check-git.ts';
import {checkHelpers} from '../../src/diagnostics/checks/check-helpers.ts';
import {checkRemotes} from '../../src/diagnostics/checks/check-remotes.ts';
import {checkTransport} from '../../src/diagnostics/checks/check-transport.ts';
import {configuredTargets} from '../../src/diagnostics/target.ts';
import type {Diagnostic} from '../../src/diagnostics/diagnostic.ts';
import {NO_CONFIGURATION} from '../../src/config/default-settings.ts';
import {gitHere} from '../../src/git/run-git.ts';
import {readSeenSettings} from '../../src/git/seen-settings.ts';
import {Bindings} from '../../src/identity/bindings.ts';
import {Secret} from '../../src/secret/secret.ts';
import {helper} from '../helpers/daemon.ts';
import {type GitHome, homeFor} from '../helpers/git-home.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';

const bindings = [
  {
    identity: {
      kind: 'pat',
      personalAccessToken: {from: 'held', secret: Secret.fromText('x')},
      key: 'k',
    },
    host: 'dev.azure.com',
    organizations: ['contoso', 'Fabrikam'],
    place: 'config.yaml:1:1',
  },
] as const;
const loaded = {kind: 'loaded', configuration: {...NO_CONFIGURATION, bindings}} as const;
const OURS = `!'${helper}'`;

interface Case {
  readonly title: string;
  /** Of ~/.gitconfig; OURS is replaced by our helper line. */
  readonly config: string;
  /** Of a file that ~/.gitconfig may include: ~/in cluded. */
  readonly included?: string;
  /** Of the repository in which git is. */
  readonly local?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Lines `title outcome: detail → repair`, as patterns; none others may be there. */
  readonly expected: readonly RegExp[];
}

const SOUND = '[credential "https://dev.azure.com"]\nhelper = OURS\nuseHttpPath = true\n';
const WELL = /^helper ok: git asks orgkey for contoso, Fabrikam$/;

const cases: readonly Case[] = [
  {title: 'setup was run', config: SOUND, expected: [WELL]},
  {
    title: 'setup was not run',
    config: '',
    expected: [/^helper failed: contoso, Fabrikam: git has no credential helper → orgkey setup$/],
  },
  {
    title: 'only another helper is set',
    config: '[credential]\nhelper = store\n',
    expected: [/^helper failed: .*, but store \(global, .*\.gitconfig\) → orgkey setup$/],
  },
  {
    title: 'the path is not sent',
    config: SOUND.replace('useHttpPath = true', ''),
    expected: [
      /^useHttpPath failed: .*useHttpPath is not set → git config --global credential\.https:\/\/dev\.azure\.com\.useHttpPath true$/,
    ],
  },
  {
    title: 'the repository unsets useHttpPath',
    config: SOUND,
    local: '[credential]\nuseHttpPath = false\n',
    expected: [
      /^useHttpPath failed: .*useHttpPath is false \(local, .*\) → git config --local --replace-all credential\.usehttppath true$/,
    ],
  },
  {
    title: 'the repository drops the helpers',
    config: SOUND,
    local: '[credential]\nhelper =\nhelper = cache\n',
    expected: [
      /^helper failed: .*but cache \(local, .*\): .* by an empty credential\.helper \(local, .*\) → git config --local --fixed-value --unset-all credential\.helper ''$/,
    ],
  },
  {
    title: 'variables drop the helpers',
    config: SOUND,
    environment: {GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'credential.helper', GIT_CONFIG_VALUE_0: ''},
    expected: [
      /^helper failed: .*git has no credential helper: .*GIT_CONFIG_… variables\) → omit that -c option, or unset GIT_CONFIG_COUNT/,
    ],
  },
  {
    title: 'another helper comes first',
    config: `[credential]\nhelper = "!f() { echo password=canary-secret; }; f"\n${SOUND}`,
    expected: [
      /^helper warning: .*before orgkey, and takes the first answer: a command \(global, .*\) → orgkey setup$/,
    ],
  },
  {
    title: 'another helper receives every token',
    config: `${SOUND}[credential]\nhelper = store --file=/tmp/canary\n`,
    expected: [/^helper warning: .*receive each token that worked.*: store \(global, .*\) → orgkey setup$/],
  },
  {
    title: 'a credential manager below ours drops the helpers',
    config: `${SOUND}[credential]\nhelper =\nhelper = /opt/git-credential-manager\n`,
    expected: [/^helper failed: .*but \/opt\/git-credential-manager \(global, .*\): .* → orgkey setup$/],
  },
  {
    title: 'a helper of the repository receives every token',
    config: SOUND,
    local: '[credential]\nhelper = cache\n',
    expected: [
      /^helper warning: .*: cache \(local, .*\) → git config --local --fixed-value --unset-all credential\.helper cache\nunless other hosts need it$/,
    ],
  },
  {
    title: 'a command of the repository receives every token',
    config: SOUND,
    local: '[credential]\nhelper = store --file=/tmp/canary\n',
    expected: [
      /^helper warning: .*: store \(local, .*\) → git config --local --edit\nlook there for credential\.helper\nunless other hosts need it$/,
    ],
  },
  {
    title: 'a project has another helper, which setup keeps',
    config: `${SOUND}[credential "https://dev.azure.com/contoso/project"]\nhelper = cache\n`,
    expected: [
      /^helper ok: git asks orgkey for Fabrikam$/,
      /^helper warning: contoso: .*: cache \(global, .*\) → git config --file .* --fixed-value --unset-all credential\.https:\/\/dev\.azure\.com\/contoso\/project\.helper cache$/,
    ],
  },
  {
    title: 'the script is gone',
    config: SOUND.replace('OURS', `"!'/nowhere/git-credential-orgkey'"`),
    expected: [
      /^helper failed: .*\/nowhere\/git-credential-orgkey does not exist or is not executable .* → orgkey setup$/,
    ],
  },
  {
    title: 'the socket of a container is missing',
    config: SOUND.replace('OURS', 'cache --socket=/nowhere/git.sock'),
    expected: [/^helper failed: .*\/nowhere\/git\.sock, which is not a socket .* → mount the directory/],
  },
  {
    title: 'an Authorization header is set',
    config: `${SOUND}[http "https://dev.azure.com/"]\nextraHeader = "AUTHORIZATION: bearer canary-token"\n`,
    expected: [
      WELL,
      /^extraHeader warning: git sends its own Authorization header .* → git config --file '.*\/\.gitconfig' --unset-all http\.https:\/\/dev\.azure\.com\/\.extraheader$/,
    ],
  },
  {
    title: 'a repository has an Authorization header, as pipelines leave it',
    config: SOUND,
    local:
      '[remote "origin"]\nurl = https://dev.azure.com/contoso/web/_git/site\n[http "https://dev.azure.com/contoso/web/_git/site"]\nextraHeader = "AUTHORIZATION: bearer canary-token"\n',
    expected: [
      WELL,
      /^extraHeader warning: git sends its own Authorization header and does not ask orgkey \(http\.https:\/\/dev\.azure\.com\/contoso\/web\/_git\/site\.extraheader: local, \/.*\/\.git\/config, line \d+\) → git config --local --unset-all http\.https:\/\/dev\.azure\.com\/contoso\/web\/_git\/site\.extraheader$/,
    ],
  },
  {
    title: 'an included file sets an Authorization header',
    config: `${SOUND}[include]\npath = in cluded\n`,
    included: '[http "https://dev.azure.com/"]\nextraHeader = "AUTHORIZATION: bearer canary-token"\n',
    expected: [
      WELL,
      /^extraHeader warning: .* → git config --file '.*\/in cluded' --unset-all http\.https:\/\/dev\.azure\.com\/\.extraheader$/,
    ],
  },
  {
    title: 'variables set an Authorization header',
    config: SOUND,
    environment: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.extraHeader',
      GIT_CONFIG_VALUE_0: 'Authorization: basic canary-token',
    },
    expected: [WELL, /^extraHeader warning: .* → omit that -c option, or unset GIT_CONFIG_COUNT/],
  },
  {
    title: 'an included file drops the helpers of one organization',
    config: `${SOUND}[include]\npath = in cluded\n`,
    included: '[credential "https://dev.azure.com/contoso"]\nhelper =\n',
    expected: [
      /^helper ok: git asks orgkey for Fabrikam$/,
      /^helper failed: contoso: git has no credential helper: .* → git config --file '.*\/in cluded' --fixed-value --unset-all credential\.https:\/\/dev\.azure\.com\/contoso\.helper ''$/,
    ],
  },
  {
    title: 'an included file unsets useHttpPath',
    config: `${SOUND}[include]\npath = in cluded\n`,
    included: '[credential "https://dev.azure.com"]\nuseHttpPath = no\nuseHttpPath = false\n',
    expected: [
      /^useHttpPath failed: .* → git config --file '.*\/in cluded' --replace-all credential\.https:\/\/dev\.azure\.com\.usehttppath true$/,
    ],
  },
  {
    title: 'an Authorization header is dropped again',
    config: `${SOUND}[http]\nextraHeader = "Authorization: basic canary-token"\nextraHeader =\nextraHeader = X-Id: 1\n`,
    expected: [WELL],
  },
  {
    title: 'certificates are not checked',
    config: `${SOUND}[http]\nsslVerify = false\n`,
    expected: [WELL, /^sslVerify failed: git does not check certificates/],
  },
  {
    title: 'a variable turns off certificate checks',
    config: SOUND,
    environment: {GIT_SSL_NO_VERIFY: '1'},
    expected: [WELL, /^GIT_SSL_NO_VERIFY failed: .* → unset GIT_SSL_NO_VERIFY/],
  },
  {
    title: 'insteadOf turns https into ssh',
    config: `${SOUND}[url "git@ssh.dev.azure.com:v3/"]\ninsteadOf = https://dev.azure.com/\n`,
    expected: [
      WELL,
      /^insteadOf warning: git uses another address for contoso: ssh\.dev\.azure\.com/,
      /^insteadOf warning: git uses another address for Fabrikam/,
    ],
  },
  {
    title: 'insteadOf puts a password into every URL',
    config: `${SOUND}[url "https://me:canary-secret@dev.azure.com/contoso/"]\ninsteadOf = https://dev.azure.com/contoso/\n`,
    expected: [
      WELL,
      /^insteadOf warning: .*: https:\/\/dev\.azure\.com\/contoso\/ .* → git config --file '.*\/\.gitconfig' --edit\nlook there for url\.https:\/\/dev\.azure\.com\/contoso\/\.insteadof$/,
    ],
  },
  {
    title: 'an organization is spelled differently',
    config: `${SOUND}[credential "https://dev.azure.com/CONTOSO"]\nhelper =\n[credential "https://dev.azure.com/contoso"]\nhelper =\nhelper = OURS\n`,
    expected: [
      WELL,
      /^spelling warning: \[credential "https:\/\/dev\.azure\.com\/CONTOSO"\] differs in case from the configuration.* → spell it https:\/\/dev\.azure\.com\/contoso/,
    ],
  },
  {
    title: 'a remote is spelled differently, another has a password',
    config: SOUND,
    local:
      '[remote "origin"]\nurl = https://dev.azure.com/fabrikam/web/_git/site\n[remote "other"]\nurl = https://me:canary-secret@dev.azure.com/contoso/web/_git/site\n[remote "far"]\nurl = https://me:canary@example.com/a\n',
    expected: [
      WELL,
      /^spelling warning: origin says fabrikam, the configuration says Fabrikam: .* → git remote set-url origin https:\/\/dev\.azure\.com\/Fabrikam\/web\/_git\/site$/,
      /^remote warning: the URL of other holds a password, .* → git remote set-url other https:\/\/dev\.azure\.com\/contoso\/web\/_git\/site\nand revoke the password$/,
    ],
  },
];

function lines(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(
    ({title, outcome, detail, repair}) =>
      `${title} ${outcome}: ${detail}${repair === undefined ? '' : ` → ${repair}`}`,
  );
}

async function look(home: GitHome, directory: string): Promise<readonly Diagnostic[]> {
  const here = join(home.directory, directory);
  const git = gitHere(home.environment, here);
  const settings = await readSeenSettings(git);
  const targets = configuredTargets(new Bindings(bindings));
  return [
    ...(await checkHelpers({settings, targets, helper, packagedHelper: helper})),
    ...(await checkTransport({
      git,
      settings,
      targets,
      environment: home.environment,
      directory: here,
    })),
    ...(await checkRemotes({settings, loaded})),
  ];
}

for (const {title, config, included = '', local = '', environment = {}, expected} of cases) {
  test(`git's settings: ${title}`, async (t) => {
    const home = homeFor(t, environment, `h o'm "x`);
    home.write('in cluded', included);
    home.write('.gitconfig', config.replaceAll('OURS', `"${OURS}"`));
    await home.succeed(['init', '-q', 'repository']);
    await home.run('sh', ['-c', 'cat >> repository/.git/config'], {input: local});
    const diagnostics = await look(home, 'repository');
    const found = lines(diagnostics);
    t.is(found.length, expected.length, found.join('\n'));
    for (const [at, line] of found.entries()) t.regex(line, expected[at] ?? /^$/);
    t.false(found.join('\n').includes('canary'), found.join('\n'));

    const commands = commandsIn(diagnostics);
    for (const command of commands) {
      const {code, stderr} = await home.run('sh', ['-c', command], {cwd: 'repository'});
      t.is(code, 0, `${command}: ${stderr}`);
    }
    const again = commandsIn(await look(home, 'repository'));
    t.deepEqual(
      [...again].filter((command) => commands.has(command)),
      [],
      'one run repairs it',
    );
  });
}

/** Returns the repairs that are commands of git without an editor. */
function commandsIn(diagnostics: readonly Diagnostic[]): Set<string> {
  const commands = diagnostics.flatMap(({repair}) => repair?.split('\n', 1) ?? []);
  return new Set(commands.filter((command) => /^git (?!.* --edit$)/.test(command)));
}

for (const git of gits) {
  const withGit = testUnless(git.missing);
  withGit(`${git.name}: proactiveAuth is reported if git knows it, with its repair`, async (t) => {
    const home = homeFor(t, {PATH: `${git.path}:${process.env['PATH'] ?? ''}`});
    const narrow = '[http "https://dev.azure.com/contoso"]\nproactiveAuth = auto\n';
    home.write('.gitconfig', `${SOUND.replace('OURS', `"${OURS}"`)}${narrow}`);
    const found = lines(await look(home, '.')).filter((line) => line.startsWith('proactiveAuth'));
    t.is(found.length, git.hasAuthtype ? 1 : 0);
    if (git.hasAuthtype)
      t.regex(found.join(), /^proactiveAuth ok: public repositories of one organization .* orgkey setup$/);
    home.write('.gitconfig', '[http "https://dev.azure.com"]\nproactiveAuth = basic\n');
    const wide = lines(await look(home, '.')).filter((line) => line.startsWith('proactiveAuth'));
    t.is(wide.length, git.hasAuthtype ? 1 : 0);
    if (git.hasAuthtype)
      t.regex(
        wide.join(),
        /^proactiveAuth warning: .* → git config --file '.*\/\.gitconfig' --unset-all http\.https:\/\/dev\.azure\.com\.proactiveauth$/,
      );
  });

  withGit(`${git.name}: two Authorization headers are an error, in the clone that has one`, async (t) => {
    const home = homeFor(t, {PATH: `${git.path}:${process.env['PATH'] ?? ''}`});
    const early = '[http "https://dev.azure.com/contoso"]\nproactiveAuth = auto\n';
    const ours = home.write('.config/orgkey/gitconfig', `${SOUND.replace('OURS', `"${OURS}"`)}${early}`);
    home.write('.gitconfig', '[include]\npath = ~/.config/orgkey/gitconfig\n');
    await home.succeed(['init', '-q', 'repository']);
    const url = 'https://dev.azure.com/Contoso/web/_git/site';
    await home.succeed(['-C', 'repository', 'remote', 'add', 'origin', url]);
    await home.succeed([
      '-C',
      'repository',
      'config',
      `http.${url}.extraheader`,
      'AUTHORIZATION: bearer canary',
    ]);
    const found = async () =>
      lines(await look(home, 'repository')).filter((line) => line.startsWith('extraHeader'));
    // git compares case, so proactiveAuth does not cover this spelling
    t.regex((await found()).join('\n'), /^extraHeader warning: [^\n]*$/);
    home.write('.config/orgkey/gitconfig', `[http "https://dev.azure.com"]\nproactiveAuth = auto\n`);
    const [both = '', ...more] = await found();
    t.deepEqual(more, []);
    t.regex(
      both,
      git.hasAuthtype
        ? /^extraHeader failed: .*two Authorization .* → orgkey setup$/
        : /^extraHeader warning/,
    );
    t.true(both.includes(git.hasAuthtype ? ours : 'repository') || !git.hasAuthtype);
  });

  withGit(`${git.name}: its version and its cache client are reported`, async (t) => {
    const home = homeFor(t, {PATH: `${git.path}:${process.env['PATH'] ?? ''}`});
    const {environment} = home;
    const found = lines(await checkGit({git: gitHere(environment, home.directory), environment}));
    t.is(found.length, 2);
    t.regex(
      found[0] ?? '',
      git.hasAuthtype ? /^version ok: 2\.\d+.*: Bearer/ : /^version ok: 2\.\d+.*: Basic only/,
    );
    t.regex(found[1] ?? '', /^client ok/);
  });
}

test('a git that is missing, too old or misconfigured is reported', async (t) => {
  const home = homeFor(t);
  const seen = async (environment: Readonly<Record<string, string>>) =>
    lines(await checkGit({git: gitHere(environment, home.directory), environment}));
  t.deepEqual(await seen({PATH: '/nowhere'}), [
    'version failed: git is not on the PATH → install git 2.39 or later',
  ]);
  home.write('old/git', '#!/bin/sh\necho git version 1.8.3\n', 0o755);
  t.deepEqual(await seen({PATH: `${home.directory}/old`}), [
    'version failed: git 1.8.3 is too old → install git 2.39 or later',
  ]);
  home.write('.gitconfig', '[broken\n');
  t.regex((await seen({...home.environment})).join('\n'), /version failed: git does not .*bad config line 1/);
  const shadowed = await seen({...home.environment, GIT_CONFIG_GLOBAL: '/dev/null'});
  t.regex(
    shadowed.at(-1) ?? '',
    /^variables warning: git reads other configuration files than usual: GIT_CONFIG_GLOBAL=\/dev\/null → /,
  );
});
