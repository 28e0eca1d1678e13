import {mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {build} from 'esbuild';
import {acquiringFrom, held, told} from '../../helpers/acquiring.ts';
import {cloudFor} from '../../helpers/cloud-for.ts';

const source = fileURLToPath(new URL('../../../src/entra/child/acquirer.ts', import.meta.url));

test('the acquirer works as one bundle, with no package beside it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'orgkey-bundle-'));
  t.teardown(() => rmSync(directory, {recursive: true}));
  // a path with a space, behind a link: what it finds by its own address must be found all the same
  const linked = join(directory, 'a link');
  symlinkSync(join(directory), linked);
  await build({
    entryPoints: {acquirer: source},
    outdir: join(directory, 'dist folder'),
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    banner: {
      js: "import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  cloud.addManagedIdentity({tenant, kind: 'system-assigned'});
  const {acquire} = acquiringFrom(cloud, {
    program: join(linked, 'dist folder', 'acquirer.js'),
    compileCache: join(directory, 'cache'),
  });
  const clientSecret = held(app.secret);
  const byApp = await acquire({
    kind: 'client-secret',
    clientId: app.clientId,
    tenantId: tenant.id,
    clientSecret,
  });
  t.is(byApp.kind, 'token', told(byApp));
  const byMachine = await acquire({kind: 'managed-identity', clientId: 'system-assigned'});
  t.is(byMachine.kind, 'token', told(byMachine));
});
