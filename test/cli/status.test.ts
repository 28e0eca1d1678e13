import test from 'ava';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

test.serial('status prints what is served, uncut and without color in a pipe', async (t) => {
  const {daemon, person} = await personWithDaemon(t);
  await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'contoso/p/_git/r'});
  const {code, stdout, stderr} = await person.run('status');
  t.is(code, 0, stderr);
  t.is(stderr, '');
  t.regex(stdout, /^ORGANIZATION +IDENTITY +TOKEN +REQUESTS +LAST ERROR\n/);
  t.regex(stdout, /\ncontoso +personal access token +ok +1\n/);
  t.regex(stdout, /\nazure\.example\.org\/DefaultCollection +personal access token/);
  t.regex(stdout, /1 served, 0 passed on, 0 failed, median/);
  t.regex(stdout, /socket team-a: contoso/);
  t.false(stdout.includes('\u001b'));
  t.false(stdout.includes('canary'));
});

test.serial(
  'status fails and prints each problem with its repair while the file is not in force',
  async (t) => {
    const {daemon, person} = await personWithDaemon(t);
    t.is((await person.run('status', ['--fail-on', 'warning'])).code, 0);
    daemon.configure('integrations: {azure: [{credentials: [{clientId: nonsense}]}]}\n');
    await daemon.call('reload', undefined);
    const {code, stdout} = await person.run('status');
    t.is(code, 1);
    t.regex(stdout, /^error: .*config\.yaml:1:\d+: .*\n {2}repair: \S/m);
  },
);
