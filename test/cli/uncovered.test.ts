import test from 'ava';
import {Person} from '../helpers/command-line.ts';

test.serial('git says that no rule covers an organization, if no other helper may know it', async (t) => {
  const person = new Person(t, {GIT_TERMINAL_PROMPT: '0'});
  person.configure();
  const setup = await person.run('setup', ['--service', 'plain']);
  t.is(setup.code, 0, setup.stderr);
  const fill = (argv: readonly string[], organization: string) =>
    person.git([...argv, 'credential', 'fill'], {
      input: `protocol=https\nhost=dev.azure.com\npath=${organization}/web/_git/site\n\n`,
    });
  const warning = /^orgkey: warning: (.*)\norgkey: hint: (.*)$/m;

  const unknown = await fill([], 'litware');
  t.deepEqual(warning.exec(unknown.stderr)?.slice(1), [
    'litware is not configured, so git asks for a password',
    'run: orgkey org add litware',
  ]);

  const known = await fill([], 'contoso');
  t.is(known.code, 0, known.stderr);
  t.is(known.stderr, '');

  // another manager stays in charge of what is not ours, and must not be talked over
  const other = '!f() { test "$1" = get && printf "username=u\\npassword=p\\n"; }; f';
  const both = await fill(['-c', `credential.helper=${other}`], 'litware');
  t.regex(both.stdout, /^password=p$/m);
  t.is(both.stderr, '');

  // and so does one for a pattern of hosts, but not one for another host
  for (const [host, isAsked] of [
    ['https://*.azure.com', true],
    ['https://ann@dev.azure.com', true],
    ['https://dev.azure.com/litware', true],
    ['https://github.com', false],
    ['https://litware.visualstudio.com', false],
  ] as const) {
    const beside = await fill(['-c', `credential.${host}.helper=${other}`], 'litware');
    t.is(beside.stderr.includes('litware is not configured'), !isAsked, host);
  }

  // a name that a shell could misread is not in a command
  const odd = await fill([], 'lit$(id)ware');
  t.false(odd.stderr.includes('org add'), odd.stderr);

  await person.run('org add', ['litware', '--stored']);
  t.false((await fill([], 'litware')).stderr.includes('not configured'));
});
