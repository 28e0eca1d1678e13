import test from 'ava';
import {commands} from '../../src/cli/line/command-line.ts';
import {isNested, parseCommandLine} from '../../src/cli/line/parse-command-line.ts';
import {Person} from '../helpers/command-line.ts';

const wrong: readonly [line: string, error: RegExp, hint: RegExp | undefined][] = [
  ['', /no command was given/, /orgkey --help/],
  ['stats', /unknown: stats/, /did you mean status\?/],
  ['org lst', /unknown: lst/, /did you mean list\?/],
  ['org', /no command was given/, undefined],
  ['xyzzy', /unknown: xyzzy/, /orgkey --help/],
  ['status --jsn', /unknown: jsn/, /did you mean --json\?/],
  ['status --jsno', /unknown: jsno/, /did you mean --json\?/],
  ['metrics --json', /unknown: json/, /run: orgkey metrics --help/],
  ['service frob', /unknown: frob/, /run: orgkey service --help/],
  ['service strat', /unknown: strat/, /did you mean start\?/],
  ['token contoso --pruge', /unknown: pruge/, /run: orgkey token --help/],
  ['status --watc', /unknown: watc/, /did you mean --watch\?/],
  ['status extra', /unknown: extra/, undefined],
  ['status --no-json', /unknown: no-json/, undefined],
  ['status --config', /not enough arguments following: config/, undefined],
  ['status --config a --config b', /--config is given twice/, undefined],
  ['token', /^orgkey: error: <organization> is missing$/, undefined],
  ['which --url contoso', /<url> is missing/, undefined],
  ['token a b', /unknown: b/, undefined],
  [
    'setup --service upstart',
    /: --service is one of: auto, systemd, launchd, plain, none$/,
    /orgkey setup --help/,
  ],
  ['setup --oidc jenkins', /: --oidc is one of: github-actions, azure-pipelines$/, undefined],
  ['service start --service=frob', /: --service is one of: auto, /, /orgkey service start --help/],
  ['setup --sign-in foo', /: --sign-in is one of: browser, device-code$/, undefined],
  ['setup --client-secret hunter2', /unknown: client-secret/, /--client-secret-file/],
  ['token contoso --json --header', /--json and --header exclude each other/, undefined],
  ['exec contoso', /there is no command/, /npm publish/],
  ['completion tcsh', /: shell is one of: bash, zsh, fish$/, /orgkey completion --help/],
  ['which https://', /no URL of git's/, undefined],
  ['ssh-key new -- -contoso', /unknown|not the name|is missing/, undefined],
];

for (const [line, error, hint] of wrong) {
  test.serial(`wrong usage is told and ends with 2: orgkey ${line}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const {code, stdout, stderr} = await person.run('', line === '' ? [] : line.split(' '));
    t.is(code, 2, stderr);
    t.is(stdout, '');
    const [first = '', second = ''] = stderr.split('\n');
    t.regex(first, /^orgkey: error: [^A-Z].*[^.]$/);
    t.regex(first, error);
    if (hint !== undefined) {
      t.regex(second, /^orgkey: hint: /);
      t.regex(second, hint);
    }
  });
}

test.serial(
  'a value that was typed in the place of an option is not repeated when it looks like more than a word',
  async (t) => {
    const {stderr} = await new Person(t).run('status', ['--\u001b[31mred']);
    t.false(stderr.includes('\u001b'));
  },
);

test.serial('the version is that of the package, and help is data', async (t) => {
  const person = new Person(t);
  t.regex((await person.run('', ['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  const help = await person.run('', ['--help']);
  t.is(help.code, 0);
  t.is(help.stderr, '');
  for (const {usage} of commands) t.true(help.stdout.includes(`orgkey ${usage.split(' ', 1)[0]}`), usage);
});

for (const {usage, summary} of commands) {
  test.serial(`help fits 80 columns: orgkey ${usage}`, async (t) => {
    const words = usage.split(' ').filter((word) => /^[a-z]/.test(word));
    const parsed = await parseCommandLine([...words, '--help'], commands, '0.0.0');
    t.is(parsed.kind, 'text');
    const lines = parsed.kind === 'text' ? parsed.text.split('\n') : [];
    t.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    t.true(lines.some((line) => line.includes(summary.slice(0, 40))));
    for (const argument of usage.match(/<.*?>|\[.*?\]/g) ?? [])
      t.true(
        lines.some((line) => line.startsWith(`      ${argument}`)),
        argument,
      );
    t.regex(summary, /^[a-z].*[^.]$/, 'lower case, no full stop');
  });
}

test.serial('no command takes a secret on its command line', (t) => {
  for (const {usage, options} of commands) {
    for (const name of Object.keys(options)) {
      const names = /secret|password|token|pat\b|key/.test(name) && !name.endsWith('-file');
      t.false(names, `${usage} --${name}`);
    }
  }
  t.true(commands.some(isNested));
});

test.serial('native Windows is refused in one sentence', async (t) => {
  const pretend = "data:text/javascript,Object.defineProperty(process,'platform',{value:'win32'})";
  const {code, stderr} = await new Person(t).run('status', [], {flags: ['--import', pretend]});
  t.is(code, 1);
  t.regex(stderr, /^orgkey: error: native Windows .*\norgkey: hint: run orgkey inside WSL\n$/);
});

test.serial('a reader that hangs up is no mishap', async (t) => {
  const {stderr} = await new Person(t).spawn('/bin/sh', [
    '-c',
    `'${process.execPath}' '${import.meta.dirname}/../../src/main.ts' config schema | head -n 1 >/dev/null`,
  ]);
  t.is(stderr, '');
});
