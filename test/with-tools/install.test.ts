import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {main} from '../helpers/program.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {auditOf, toolWorld, type ToolWorld} from '../helpers/tool-world.ts';
import {cloudForFile, addContoso} from '../helpers/cloud-for.ts';

/** Real tools with nothing but what `orgkey tools install` wrote. */

const cache = join(import.meta.dirname, '../../.cache');
const pnpms = [
  ['pnpm 10', [process.execPath, join(cache, 'pnpm-10/node_modules/pnpm/bin/pnpm.cjs')]],
  ['pnpm 12', [join(cache, 'pnpm-12/node_modules/@pnpm/exe.linux-x64/pnpm')]],
] as const;
const whyNoCargo = spawnSync('cargo', ['--version']).status === 0 ? undefined : 'there is no cargo';

const cloud = await cloudForFile({
  isUsed: whyNoCargo === undefined || pnpms.some(([, command]) => existsSync(command.at(-1) ?? '')),
});
const {contoso, credential} = addContoso(cloud);
contoso.addFeed('tools');
const credentials = [credential];
const TOOLS = 'https://pkgs.dev.azure.com/contoso/web/_packaging/tools';

function install({home, daemon}: ToolWorld, tool: string) {
  return home.run(process.execPath, [main, 'tools', 'install', tool, '--config', daemon.configFile]);
}

for (const [name, command] of pnpms) {
  const [program, ...first] = command;
  const isThere = existsSync(command.at(-1) ?? '');
  const withPnpm = testUnless(isThere ? undefined : `there is no ${name}`, test.serial);
  withPnpm(`${name} asks for each feed of an organization`, async (t) => {
    const world = await toolWorld(t, cloud, credentials);
    const {home, daemon} = world;
    const installed = await install(world, 'pnpm');
    t.is(installed.code, 0, installed.stderr);
    home.write('project/.npmrc', `registry=${TOOLS}/npm/registry/\n`);
    home.write('project/package.json', '{"name": "app", "version": "1.0.0", "private": true}');
    const environment = {
      XDG_CONFIG_HOME: join(home.directory, '.config'),
      XDG_DATA_HOME: join(home.directory, '.local/share'),
      CI: '1',
    };
    const ran = await home.run(program, [...first, 'add', '--ignore-scripts', 'gear'], {
      cwd: 'project',
      environment,
    });
    t.is(ran.code, 0, ran.stdout + ran.stderr);
    t.true(home.has('project/node_modules/gear/package.json'));
    t.is((await auditOf(daemon, 'pnpm'))[0]?.organization, 'contoso');
  });
}

testUnless(whyNoCargo, test.serial)(
  'Cargo asks for a registry that has no provider of its own',
  async (t) => {
    const world = await toolWorld(t, cloud, credentials);
    const {home, daemon} = world;
    const cargoHome = join(home.directory, '.cargo');
    const installed = await install(world, 'cargo');
    t.is(installed.code, 0, installed.stderr);
    home.write('project/src/lib.rs', '');
    home.write(
      'project/Cargo.toml',
      '[package]\nname = "app"\nversion = "1.0.0"\n[dependencies]\nabsent = {version = "1", registry = "tools"}\n',
    );
    home.write('project/.cargo/config.toml', `[registries.tools]\nindex = "sparse+${TOOLS}/Cargo/index/"\n`);
    const ran = await home.run('cargo', ['fetch'], {
      cwd: 'project',
      environment: {
        CARGO_HOME: cargoHome,
        RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(process.env['HOME'] ?? '', '.rustup'),
        CARGO_HTTP_CAINFO: cloud.caFile,
      },
    });
    // without a credential, the feed would not say what it lacks
    t.regex(ran.stderr, /no matching package named `absent` found/);
    t.is((await auditOf(daemon, 'cargo'))[0]?.organization, 'contoso');
  },
);
