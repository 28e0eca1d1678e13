import test from 'ava';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

test.serial('org test gets a token for each organization', async (t) => {
  const {person} = await personWithDaemon(t);
  const all = await person.run('org test');
  t.is(all.code, 0, all.stderr);
  t.is(all.stderr.match(/✓/g)?.length, 3);
  t.is((await person.run('org test fabrikam')).stderr.match(/✓/g)?.length, 1);
  t.is((await person.run('org test unknown')).code, 2);
});
