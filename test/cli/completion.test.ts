import test from 'ava';
import {main, Person} from '../helpers/command-line.ts';

test.serial('the completion proposes commands, options, their values, and organizations', async (t) => {
  const person = new Person(t);
  person.configure();
  const words = async (...typed: string[]) =>
    (await person.run('', ['--complete', ...typed])).stdout.trim().split('\n');
  t.deepEqual(await words('to'), ['token', 'tools']);
  t.deepEqual(await words('token', ''), ['contoso', 'fabrikam', 'azure.example.org/DefaultCollection']);
  t.deepEqual(await words('doctor', ''), ['contoso', 'fabrikam']);
  t.deepEqual(await words('which', 'f'), ['fabrikam']);
  t.deepEqual(await words('token', 'con'), ['contoso']);
  t.deepEqual(await words('config', 's'), ['show', 'schema']);
  t.deepEqual(await words('setup', '--service', 'p'), ['plain']);
  t.deepEqual(await words('status', '--w'), ['--watch']);
  t.deepEqual(await words('completion', ''), ['bash', 'zsh', 'fish']);
  for (const shell of ['bash', 'zsh', 'fish'])
    t.true((await person.run('completion', [shell])).stdout.includes('orgkey --complete'));
});

test.serial('bash uses the completion script', async (t) => {
  const person = new Person(t);
  person.configure();
  const {stdout: script} = await person.run('completion bash');
  const bash = await person.spawn('bash', [
    '--norc',
    '-c',
    `orgkey() { "${process.execPath}" "${main}" "$@"; }
${script}
COMP_WORDS=(orgkey token fab); COMP_CWORD=2; _orgkey; printf '%s\n' "\${COMPREPLY[@]}"`,
  ]);
  t.is(bash.stdout, 'fabrikam\n', bash.stderr);
});
