import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {Person} from '../helpers/command-line.ts';
import {until} from '../helpers/patience.ts';

function hostsFor(organization: string): string {
  return `- credentials: [{organizations: [${organization}], personalAccessToken: {$file: pat}}]\n`;
}

test.serial('a configuration of several files is one for the daemon and every command', async (t) => {
  const person = new Person(t);
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(person.home, name)), {recursive: true});
    writeFileSync(join(person.home, name), text, {mode: 0o600});
    return join(person.home, name);
  };
  const base = write('app-config.yaml', 'integrations: {azure: {$include: azure/hosts.yaml}}\n');
  const hosts = write('azure/hosts.yaml', hostsFor('contoso'));
  write('azure/pat', 'canary\n');
  const production = write('app-config.production.yaml', 'orgkey: {prefetch: false}\n');

  const named = ['--config', 'app-config.yaml', '--config', 'app-config.production.yaml'];
  const setup = await person.run('setup', ['--service', 'plain', ...named]);
  t.is(setup.code, 0, setup.stderr);
  t.is((await person.run('config path')).stdout, `${base}\n${production}\n`);
  t.is((await person.run('config check')).code, 0);
  t.regex((await person.run('config show')).stdout, /^ {2}prefetch: false$/m);
  t.true((await person.run('which', ['contoso'])).stdout.includes(`${hosts}:1:17`));
  const doctor = await person.run('doctor', ['contoso']);
  t.true(doctor.stdout.includes(`${base}:${production}: 1 credential`), doctor.stdout);

  write('azure/hosts.yaml', hostsFor('fabrikam'));
  await until(
    'the changed include to be in force',
    () => person.run('status', ['--json']),
    ({stdout}) => stdout.includes('"fabrikam"') && !stdout.includes('"contoso"'),
  );

  t.is((await person.run('service', ['restart', '--service', 'plain'])).code, 0);
  t.regex((await person.run('org list')).stdout, /fabrikam/);

  for (const [command, argv] of [
    ['org add', ['contoso', '--pat-file', 'azure/pat']],
    ['org remove', ['fabrikam']],
    ['setup', ['--organization', 'contoso', '--pat-file', 'azure/pat', '--service', 'plain']],
    ['config edit', []],
  ] as const) {
    const {code, stderr} = await person.run(command, argv, {environment: {EDITOR: 'true'}});
    t.is(code, 2, `${command}: ${stderr}`);
    t.true(stderr.includes(`the configuration has several files: ${base}, ${production}`), stderr);
  }
});
