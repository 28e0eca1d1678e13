import test from 'ava';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

test.serial('org test says that nothing was checked if Azure DevOps cannot be reached', async (t) => {
  const {person} = await personWithDaemon(t);
  const all = await person.run('org test');
  t.is(all.code, 1, all.stderr);
  t.is(all.stdout.match(/^– .*: not checked: /gm)?.length, 3, all.stdout);
  t.is((await person.run('org test https://dev.azure.com/fabrikam')).stdout.match(/^–/gm)?.length, 1);
  const unknown = await person.run('org test fabrikan');
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /fabrikan is not configured[^]*did you mean: fabrikam/);
});

for (const command of ['login nosuch', 'logout nosuch', 'token nosuch', 'exec nosuch -- true'])
  test.serial(`an organization that is not configured is called that: ${command}`, async (t) => {
    const {person} = await personWithDaemon(t);
    const {code, stderr} = await person.run(command);
    t.is(code, 2, stderr);
    t.regex(stderr, /nosuch is not configured/);
  });
