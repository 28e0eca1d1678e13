import test from 'ava';
import {join} from 'node:path';
import {connectControl} from '../../src/control/control-client.ts';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

test.serial('status prints what is served, in 80 columns and without color in a pipe', async (t) => {
  const {daemon, person} = await personWithDaemon(t);
  await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'contoso/p/_git/r'});
  const {code, stdout, stderr} = await person.run('status');
  t.is(code, 0, stderr);
  t.is(stderr, '');
  t.regex(stdout, /^ORGANIZATION +IDENTITY +TOKEN +REQUESTS +LAST ERROR\n/);
  t.regex(stdout, /\ncontoso +personal access token +ok +1\n/);
  t.regex(stdout, /\nazure\.example\.org\/Defaul\S* +personal access token/);
  t.regex(stdout, /1 served, 0 passed on, 0 failed, median/);
  t.regex(stdout, /socket team-a: contoso/);
  t.true(stdout.split('\n').every((line) => line.length <= 80 || line.startsWith('socket ')));
  t.false(stdout.includes('\u001b'));
  t.false(stdout.includes('canary'));
});

test.serial('status prints each problem with its repair', async (t) => {
  const {daemon, person} = await personWithDaemon(t);
  daemon.configure('integrations: {azure: [{credentials: [{clientId: nonsense}]}]}\n');
  const control = await connectControl(join(daemon.runtime, 'control/control.sock'));
  await control.call('reload', undefined);
  control.close();
  const {code, stdout} = await person.run('status');
  t.is(code, 1);
  t.regex(stdout, /^error: \S.*\n {2}repair: \S/m);
});
