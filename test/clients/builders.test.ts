import {existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import test from 'ava';
import {join} from 'node:path';
import {bazel, cargo, go, nuget} from '../../src/clients/builders.ts';
import type {Client} from '../../src/clients/client.ts';
import {lookAtClient} from '../../src/clients/look-at-client.ts';
import {planInstall, carryOut, planRemove} from '../../src/clients/plan-client.ts';
import {pnpm} from '../../src/clients/pnpm.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

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

function linesOf(client: Client, scripts: string): readonly string[] {
  const {files} = client.want({...world, scripts, organizations: ['contoso']});
  return files.flatMap(({lines}) => lines.map(({line}) => line));
}

test('a folder of scripts with spaces is quoted as each tool reads it', (t) => {
  t.deepEqual(linesOf(cargo, '/my tools/a'), [
    'global-credential-providers = ["cargo:token", "orgkey"]',
    'orgkey = ["/my tools/a/cargo-credential-orgkey"]',
  ]);
  const [first] = linesOf(bazel, '/my "tools"/a');
  t.is(first, String.raw`common --credential_helper=dev.azure.com="/my \"tools\"/a/orgkey-bazel-helper"`);
  t.is(linesOf(go, '/my tools/a')[0], "GOAUTH='/my tools/a/orgkey-goauth';netrc");
  t.is(linesOf(go, "/ann's tools/a")[0], `GOAUTH="/ann's tools/a/orgkey-goauth";netrc`);
});

for (const scripts of ['/a;b', `/ann's "tools"`])
  test(`Go gets no line for ${scripts}, which GOAUTH cannot hold`, (t) => {
    t.deepEqual(linesOf(go, scripts), []);
    t.regex(go.want({...world, scripts, organizations: []}).left.join(), /ln -s .*orgkey-goauth/);
  });

for (const links of ['/my tools', '/a;b', '/a$b', "/ann's"])
  test(`pnpm gets no line for links in ${links}, which it would not run`, (t) => {
    const {files, left} = pnpm.want({...world, links, organizations: ['contoso']});
    t.deepEqual(files, []);
    t.regex(left.join(), /ln -s .*orgkey-token/);
  });

test('pnpm gets lines for links in a folder with letters of any script', (t) => {
  t.is(pnpm.want({...world, links: '/home/zoë/şirket', organizations: ['contoso']}).files.length, 1);
});

/** A person with an installed pnpm of this version. */
function withPnpm(home: string, version: string) {
  const folder = join(home, version, 'node_modules/pnpm');
  mkdirSync(join(folder, 'bin'), {recursive: true});
  writeFileSync(join(folder, 'package.json'), JSON.stringify({name: 'pnpm', version}));
  writeFileSync(join(folder, 'bin/pnpm'), '', {mode: 0o755});
  return {...world, home, environment: {PATH: join(folder, 'bin')}, links: '/opt/links'};
}

test('from pnpm 11 on the lines are in its own file, and an older file is cleaned', async (t) => {
  const home = scratchDirectory(t);
  const person = (version: string, organizations = ['contoso']) => ({
    ...withPnpm(home, version),
    links: join(home, 'links'),
    organizations,
  });
  const old = await planInstall(pnpm, person('10.34.8', ['contoso', 'fabrikam']), undefined);
  await carryOut(old);
  t.regex(readFileSync(join(home, '.npmrc'), 'utf8'), /contoso\/:tokenHelper=/);
  const next = await planInstall(pnpm, person('11.0.0'), old.record);
  await carryOut(next);
  t.false(existsSync(join(home, '.npmrc')));
  t.false(lstatSync(join(home, 'links/orgkey-token-fabrikam'), {throwIfNoEntry: false}) !== undefined);
  t.regex(readFileSync(join(home, '.config/pnpm/auth.ini'), 'utf8'), /contoso\/:tokenHelper=/);
  await carryOut(await planRemove(next.record));
  t.false(existsSync(join(home, '.config/pnpm/auth.ini')));
});
