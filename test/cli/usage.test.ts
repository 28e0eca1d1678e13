import {rmSync} from 'node:fs';
import test from 'ava';
import {argumentsOf, namesOf} from '../../src/cli/line/command.ts';
import {commands, groups} from '../../src/cli/line/command-line.ts';
import {CommandError} from '../../src/cli/command-error.ts';
import {parseCommandLine} from '../../src/cli/line/parse-command-line.ts';
import {LOG_LEVELS} from '../../src/daemon/record/log.ts';
import {main, Person} from '../helpers/command-line.ts';

const wrong: readonly [line: string, error: RegExp, hint: RegExp | undefined][] = [
  ['stats', /unknown command: stats$/, /did you mean: orgkey status$/],
  ['org lst', /unknown command: org lst$/, /did you mean: orgkey org list$/],
  ['xyzzy', /unknown command: xyzzy$/, /orgkey --help/],
  ['help xyzzy', /unknown command: xyzzy$/, undefined],
  ['--json', /no command .*--json$/, /orgkey --help/],
  ['status --jsn', /unknown option: --jsn$/, /did you mean: --json$/],
  ['status --jsno', /unknown option: --jsno$/, /did you mean: --json$/],
  ['status -x', /unknown option: -x$/, /run: orgkey status --help$/],
  ['metrics --json', /unknown option: --json$/, /run: orgkey metrics --help/],
  ['service frob', /unknown command: service frob$/, /run: orgkey service --help/],
  ['service strat', /unknown command: service strat$/, /did you mean: orgkey service start$/],
  ['token contoso --pruge', /unknown option: --pruge$/, /run: orgkey token --help/],
  ['status --watc', /unknown option: --watc$/, /did you mean: --watch$/],
  ['metrics extra', /unexpected argument: extra$/, /run: orgkey metrics --help/],
  ['status -- extra', /unexpected argument: extra$/, undefined],
  ['status --no-json', /unknown option: --no-json$/, undefined],
  ['status --config', /--config needs a value$/, undefined],
  ['status --state-dir a --state-dir b', /--state-dir is given twice$/, undefined],
  ['config init --config a --config b', /--config is given twice$/, undefined],
  ['token', /^orgkey: error: <organization> is missing$/, undefined],
  ['which --url contoso', /unknown option: --url$/, undefined],
  ['token a b', /unexpected argument: b$/, undefined],
  ['setup contoso', /unexpected argument: contoso$/, undefined],
  ['exec contoso sh -c true', /unexpected argument: sh$/, /-- before the command/],
  [
    'setup --service upstart',
    /: --service must be one of: auto, systemd, launchd, plain, none$/,
    /orgkey setup --help/,
  ],
  ['setup --oidc jenkins', /: --oidc must be one of: github-actions, azure-pipelines$/, undefined],
  ['service start --service=frob', /: --service must be one of: auto, /, /orgkey service start --help/],
  ['setup --sign-in foo', /: --sign-in must be one of: browser, device-code$/, undefined],
  ['setup --client-secret hunter2', /unknown option: --client-secret$/, /--client-secret-file/],
  ['token contoso --json --header', /--json and --header/, undefined],
  ['exec contoso', /no command was given/, /npm publish/],
  ['completion tcsh', /: <shell> must be one of: bash, zsh, fish$/, /orgkey completion --help/],
  ['which https://', /neither a git URL nor/, undefined],
  ['ssh-key new -- -contoso', /unexpected argument: -contoso$/, undefined],
];

for (const [line, error, hint] of wrong) {
  test.serial(`wrong usage exits with 2: orgkey ${line}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const {code, stdout, stderr} = await person.run('', line.split(' '));
    t.is(code, 2, stderr);
    // with --json, programs read the error on stdout
    if (line.includes('--json')) t.is(JSON.parse(stdout).error.code, 'ERR_USAGE');
    else t.is(stdout, '');
    const [first = '', second = ''] = stderr.split('\n');
    t.regex(first, /^orgkey: error: [^A-Z].*[^.]$/);
    t.regex(first, error);
    if (hint !== undefined) {
      t.regex(second, /^orgkey: hint: /);
      t.regex(second, hint);
    }
  });
}

test.serial('control characters in an unknown option are not printed', async (t) => {
  const {stderr} = await new Person(t).run('status', ['--\u001b[31mred']);
  t.false(stderr.includes('\u001b'));
});

test.serial('the version is that of the package', async (t) => {
  const person = new Person(t);
  for (const word of ['version', '--version', '-V', '-v'])
    t.regex((await person.run('', [word])).stdout, /^\d+\.\d+\.\d+\n$/, word);
});

for (const line of ['', '--help', '-h', 'help']) {
  test.serial(`every command is listed on stdout: orgkey ${line}`, async (t) => {
    const {code, stdout, stderr} = await new Person(t).run(line);
    t.is(code, 0);
    t.is(stderr, '');
    for (const command of commands) t.true(stdout.includes(`orgkey ${namesOf(command)[0]}`), command.usage);
  });
}

for (const group of Object.keys(groups)) {
  test.serial(`a group without a command prints its help: orgkey ${group}`, async (t) => {
    const {code, stdout, stderr} = await new Person(t).run(group);
    t.is(code, 0);
    t.is(stderr, '');
    const ones = commands.filter((command) => namesOf(command)[0] === group);
    t.true(ones.length > 0);
    for (const {usage} of ones) t.true(stdout.includes(`orgkey ${usage}`), usage);
  });
}

test('every command with two words belongs to a group', (t) => {
  for (const command of commands.filter((one) => namesOf(one).length > 1))
    t.true(Object.hasOwn(groups, namesOf(command)[0] ?? ''), command.usage);
});

const parts = {commands, groups, version: '0.0.0', columns: 80};

async function helpFor(words: readonly string[], columns = 80): Promise<string[]> {
  const parsed = await parseCommandLine(words, {...parts, columns});
  return parsed.kind === 'text' ? parsed.text.split('\n') : [];
}

for (const command of commands) {
  const {usage, summary, description = 'A sentence.', options, examples} = command;
  test(`help has everything and fits 80 columns: orgkey ${usage}`, async (t) => {
    const lines = await helpFor([...namesOf(command), '--help']);
    t.deepEqual(lines, await helpFor(['help', ...namesOf(command)]));
    t.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    const text = lines.join(' ').replaceAll(/ +/g, ' ');
    t.true(text.includes(summary));
    for (const {name, isRequired} of argumentsOf(command))
      t.true(text.includes(isRequired ? ` <${name}> ` : ` [${name}] `), name);
    for (const {describe} of Object.values(options)) t.true(text.includes(describe), describe);
    t.true(examples.length > 0);
    for (const one of examples) t.true(text.includes(one.command.replaceAll(/ +/g, ' ')), one.command);
    t.regex(summary, /^[a-z].*[^.]$/, 'lower case, no full stop');
    t.regex(description, /^[A-Z].*\.$/s, 'whole sentences');
  });
}

for (const command of commands) {
  const words = namesOf(command);
  const given = argumentsOf(command).map(({name}) => (name === 'shell' ? 'bash' : 'contoso'));
  const isList = argumentsOf(command).some((argument) => argument.isList);

  test(`what does not belong there is named: orgkey ${command.usage}`, async (t) => {
    const mistakes: [extra: string[], error: string, hint: RegExp][] = [
      [
        ['--no-such-option'],
        'unknown option: --no-such-option',
        /^(?:run: orgkey .* --help|did you mean: --)/,
      ],
      [['--config'], '--config needs a value', /^run: orgkey .* --help$/],
      ...(isList
        ? []
        : ([
            [['stray'], 'unexpected argument: stray', /^run: orgkey .* --help$|^write -- /],
          ] satisfies typeof mistakes)),
    ];
    for (const [extra, error, hint] of mistakes) {
      const failure = await t.throwsAsync(parseCommandLine([...words, ...given, ...extra], parts), {
        instanceOf: CommandError,
        message: error,
      });
      t.is(failure.exitCode, 2);
      t.regex(failure.hint ?? '', hint);
    }
  });
}

test.serial('every command takes the URL of an organization in place of its name', async (t) => {
  const person = new Person(t);
  person.configure();
  const takers = commands.filter((command) =>
    argumentsOf(command).some(({name}) => name === 'organization' || name === 'url'),
  );
  t.true(takers.length >= 12, String(takers.length));
  for (const command of takers) {
    const rest = command.usage.includes(' -- ') ? ['--', 'true'] : [];
    const run = async (word: string) => {
      person.configure();
      rmSync(person.path('.config/orgkey/ssh'), {recursive: true, force: true});
      const {code, stderr} = await person.run('', [...namesOf(command), word, ...rest]);
      const said = stderr.replaceAll(/(?:https:\/\/dev\.azure\.com\/)?contoso/g, 'WORD');
      // each new key has a fingerprint of its own
      return {code, said: said.replaceAll(/SHA256:\S+/g, 'KEY')};
    };
    t.deepEqual(await run('https://dev.azure.com/contoso'), await run('contoso'), command.usage);
  }
});

test('every example of a command is understood', async (t) => {
  for (const {examples} of commands) {
    for (const {command: line} of examples) {
      const [, ours] = /orgkey ([^|>()]*)/.exec(line) ?? [];
      t.not(ours, undefined, line);
      const parsed = await parseCommandLine(ours?.trim().split(' ') ?? [], parts);
      t.is(parsed.kind, 'command', line);
    }
  }
});

test('the daemon command offers the log levels of the daemon', (t) => {
  const daemon = commands.find(({usage}) => usage === 'daemon');
  t.deepEqual(daemon?.options['log-level']?.choices, LOG_LEVELS);
});

test('help fits a narrow terminal', async (t) => {
  const lines = await helpFor(['doctor', '--help'], 60);
  const wide = lines.filter((line) => line.length > 60 && !line.startsWith('  orgkey '));
  t.deepEqual(wide, []);
});

test('options may precede the words of a command', async (t) => {
  for (const line of [
    '--config FILE status',
    '--json status',
    'org --config FILE list',
    '--config=FILE status',
  ])
    t.is((await parseCommandLine(line.split(' '), parts)).kind, 'command', line);
});

test('help behind -- belongs to the other program', async (t) => {
  t.is((await parseCommandLine(['exec', 'contoso', '--', 'npm', '--help'], parts)).kind, 'command');
});

test.serial('no command takes a secret on its command line', (t) => {
  for (const {usage, options} of commands) {
    for (const name of Object.keys(options)) {
      const names = /secret|password|token|pat\b|key/.test(name) && !name.endsWith('-file');
      t.false(names, `${usage} --${name}`);
    }
  }
});

test.serial('native Windows is rejected with a hint', async (t) => {
  const pretend = "data:text/javascript,Object.defineProperty(process,'platform',{value:'win32'})";
  const {code, stderr} = await new Person(t).run('status', [], {flags: ['--import', pretend]});
  t.is(code, 1);
  t.regex(stderr, /^orgkey: error: .* native Windows\norgkey: hint: run orgkey inside WSL\n$/);
});

test.serial('a reader that hangs up is not an error', async (t) => {
  const {stderr} = await new Person(t).spawn('/bin/sh', [
    '-c',
    `'${process.execPath}' '${main}' config schema | head -n 1 >/dev/null`,
  ]);
  t.is(stderr, '');
});
