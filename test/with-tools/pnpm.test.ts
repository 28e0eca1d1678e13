import test, {type ExecutionContext} from 'ava';
import {existsSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {BlobStore} from '../cloud/feeds/blob-store.ts';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {auditOf, programs, toolWorld} from '../helpers/tool-world.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

const cache = join(import.meta.dirname, '../../.cache');
const versions = [
  {
    name: 'pnpm 10',
    package: 'pnpm-10',
    command: [process.execPath, join(cache, 'pnpm-10/node_modules/pnpm/bin/pnpm.cjs')],
  },
  {
    name: 'pnpm 12',
    package: 'pnpm-12',
    command: [join(cache, 'pnpm-12/node_modules/@pnpm/exe.linux-x64/pnpm')],
  },
] as const;

const cloud = await cloudForSerial({isUsed: versions.some(({command}) => existsSync(command.at(-1) ?? ''))});
const {contoso, credential} = addContoso(cloud);
const fabrikam = cloud.addOrganization('fabrikam');
contoso.addFeed('tools');
fabrikam.addFeed('parts');
const credentials = [
  credential,
  `organizations: [fabrikam], personalAccessToken: ${fabrikam.addPat().value}`,
];

const TOOLS = '//pkgs.dev.azure.com/contoso/web/_packaging/tools/npm/registry/';
const PARTS = '//pkgs.dev.azure.com/fabrikam/_packaging/parts/npm/registry/';

for (const {name, package: brought, command} of versions) {
  const isThere = existsSync(command.at(-1) ?? '');
  const withPnpm = testUnless(
    isThere ? undefined : `there is no ${name}: scripts/test-packages ${brought} brings it`,
    test.serial,
  );
  const [program, ...first] = command;

  const pnpm = (home: GitHome, ...args: readonly string[]): Promise<Ran> =>
    home.run(program, [...first, ...args], {
      cwd: 'project',
      environment: {
        XDG_CONFIG_HOME: join(home.directory, '.config'),
        XDG_DATA_HOME: join(home.directory, '.local/share'),
        CI: '1',
      },
    });

  const project = async (t: ExecutionContext) => {
    const world = await toolWorld(t, cloud, credentials);
    const {home} = world;
    const helpers = ['contoso', 'fabrikam'].map((organization) => {
      const path = join(home.directory, `orgkey-token-${organization}`);
      symlinkSync(join(programs, 'orgkey-token'), path);
      return path;
    });
    home.write('.npmrc', `${TOOLS}:tokenHelper=${helpers[0]}\n${PARTS}:tokenHelper=${helpers[1]}\n`);
    home.write('project/.npmrc', `registry=https:${TOOLS}\n@parts:registry=https:${PARTS}\n`);
    home.write('project/package.json', '{"name": "app", "version": "1.0.0", "private": true}');
    return world;
  };

  withPnpm(`${name} installs from the feeds of two organizations`, async (t) => {
    const {daemon, home} = await project(t);
    const ran = await pnpm(home, 'add', '--ignore-scripts', 'gear', '@parts/cog');
    t.is(ran.code, 0, ran.stdout + ran.stderr);
    t.true(home.has('project/node_modules/gear/package.json'));
    t.true(home.has('project/node_modules/@parts/cog/package.json'));
    t.true(
      cloud.requests.filter({host: BlobStore.host}).every(({authorization}) => authorization === undefined),
    );
    const entries = await auditOf(daemon, 'pnpm', 2);
    t.deepEqual([...new Set(entries.map(({organization}) => organization ?? ''))].toSorted(), [
      'contoso',
      'fabrikam',
    ]);
  });

  withPnpm(`${name} publishes`, async (t) => {
    const {home} = await project(t);
    home.write('project/package.json', `{"name": "lever-${brought}", "version": "2.0.0"}`);
    const ran = await pnpm(home, 'publish', '--no-git-checks');
    t.is(ran.code, 0, ran.stdout + ran.stderr);
    t.true(contoso.feeds.get('tools')?.npm.has(`lever-${brought}`));
  });

  withPnpm(`${name} fails if an organization fails`, async (t) => {
    const {home} = await project(t);
    cloud.fault({endpoint: 'token', aadsts: 7_000_222, error: 'invalid_client', status: 401});
    const ran = await pnpm(home, 'add', '--ignore-scripts', 'gear');
    t.not(ran.code, 0);
  });
}
