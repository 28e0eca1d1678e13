import test from 'ava';
import {join} from 'node:path';
import {nuget, pnpm} from '../../src/clients/builders.ts';
import {lookAtClient} from '../../src/clients/look-at-client.ts';

const world = {environment: {}, home: "/home/me and you's", scripts: '/opt/orgkey', links: '/opt/links'};

test('pnpm does not ask orgkey while no organization is configured', async (t) => {
  const person = {...world, home: join(import.meta.dirname, 'no-such-home'), organizations: []};
  const {state} = await lookAtClient(pnpm, person, []);
  t.is(state, 'does not ask');
  t.regex(pnpm.want(person).left.join(), /orgkey org add/);
  t.deepEqual(pnpm.want({...person, organizations: ['contoso']}).left, []);
});

test('the folder of the plugin of NuGet is one word for a shell', (t) => {
  const [left = ''] = nuget.want({...world, organizations: []}).left;
  t.true(left.endsWith(String.raw`export PATH="$PATH":'/home/me and you'\''s/.local/bin'`), left);
});
