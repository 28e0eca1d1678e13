import {spawnSync} from 'node:child_process';
import {cpSync, existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {main} from '../helpers/program.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {auditOf, programs, toolWorld, type ToolWorld} from '../helpers/tool-world.ts';
import {cloudForFile, addContoso} from '../helpers/cloud-for.ts';

/** Real tools with nothing but what `orgkey tools install` wrote. */

const cache = join(import.meta.dirname, '../../.cache');
const pnpms = [
  ['pnpm 10', [process.execPath, join(cache, 'pnpm-10/node_modules/pnpm/bin/pnpm.cjs')]],
  ['pnpm 12', [join(cache, 'pnpm-12/node_modules/@pnpm/exe.linux-x64/pnpm')]],
] as const;
const whyNoCargo = spawnSync('cargo', ['--version']).status === 0 ? undefined : 'there is no cargo';
const whyNoGo = existsSync(join(cache, 'go/bin/go')) ? undefined : 'there is no Go 1.24';

const cloud = await cloudForFile({
  isUsed:
    whyNoCargo === undefined ||
    whyNoGo === undefined ||
    pnpms.some(([, command]) => existsSync(command.at(-1) ?? '')),
});
const {contoso, credential} = addContoso(cloud);
contoso.addFeed('tools');
const credentials = [credential];
const TOOLS = 'https://pkgs.dev.azure.com/contoso/web/_packaging/tools';

function install({home, daemon}: ToolWorld, tool: string, program = main) {
  return home.run(process.execPath, [program, 'tools', 'install', tool, '--config', daemon.configFile]);
}

for (const [name, command] of pnpms) {
  const [program, ...first] = command;
  const isThere = existsSync(command.at(-1) ?? '');
  const withPnpm = testUnless(isThere ? undefined : `there is no ${name}`, test.serial);
  withPnpm(`${name} asks for each feed of an organization`, async (t) => {
    const folder = name === 'pnpm 10' ? join(cache, 'pnpm-10/node_modules/.bin') : dirname(program);
    const world = await toolWorld(t, cloud, credentials, [folder]);
    const {home, daemon} = world;
    const installed = await install(world, 'pnpm');
    t.is(installed.code, 0, installed.stderr);
    t.is(home.has('.npmrc'), name === 'pnpm 10');
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

/** Puts the program into a folder that tools must quote, and returns its path. */
function moved({home}: ToolWorld): string {
  const folder = join(home.directory, 'my own tools');
  cpSync(programs, join(folder, 'dist'), {recursive: true});
  cpSync(join(programs, '../package.json'), join(folder, 'package.json'));
  return join(folder, 'dist/main.js');
}

testUnless(whyNoGo, test.serial)('Go runs the helper in a folder with spaces', async (t) => {
  const world = await toolWorld(t, cloud, credentials, [join(cache, 'go/bin')]);
  const {home, daemon} = world;
  const environment = {GOENV: join(home.directory, 'go.env'), GOTOOLCHAIN: 'local', GOTELEMETRY: 'off'};
  const installed = await home.run(
    process.execPath,
    [moved(world), 'tools', 'install', 'go', '--config', daemon.configFile],
    {environment},
  );
  t.is(installed.code, 0, installed.stderr);
  home.write('app/go.mod', 'module app\n\ngo 1.24\n');
  await home.run('go', ['get', 'dev.azure.com/contoso/web/_git/absent@main'], {cwd: 'app', environment});
  t.is((await auditOf(daemon, 'go'))[0]?.organization, 'contoso');
});

for (const [where, place] of [
  ['', () => main],
  [' from a folder with spaces', moved],
] as const)
  testUnless(whyNoCargo, test.serial)(
    `Cargo asks for a registry that has no provider of its own${where}`,
    async (t) => {
      const world = await toolWorld(t, cloud, credentials);
      const {home, daemon} = world;
      const cargoHome = join(home.directory, '.cargo');
      const installed = await install(world, 'cargo', place(world));
      t.is(installed.code, 0, installed.stderr);
      home.write('project/src/lib.rs', '');
      home.write(
        'project/Cargo.toml',
        '[package]\nname = "app"\nversion = "1.0.0"\n[dependencies]\nabsent = {version = "1", registry = "tools"}\n',
      );
      home.write(
        'project/.cargo/config.toml',
        `[registries.tools]\nindex = "sparse+${TOOLS}/Cargo/index/"\n`,
      );
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
