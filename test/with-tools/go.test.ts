import test, {type ExecutionContext} from 'ava';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {helper} from '../helpers/daemon.ts';
import {helperValue} from '../../src/git/setting.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {auditOf, toolWorld} from '../helpers/tool-world.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

const bin = join(import.meta.dirname, '../../.cache/go/bin');
const withGo = testUnless(
  existsSync(join(bin, 'go')) ? undefined : 'there is no Go 1.24: scripts/test-packages go brings it',
  test.serial,
);

const cloud = await cloudForSerial({isUsed: existsSync(join(bin, 'go'))});
const {contoso, credential} = addContoso(cloud);
const fabrikam = cloud.addOrganization('fabrikam');
const pat = fabrikam.addPat().value;
const credentials = [credential, `organizations: [fabrikam], personalAccessToken: ${pat}`];

async function goWorld(t: ExecutionContext) {
  const world = await toolWorld(t, cloud, credentials, [bin]);
  const {home} = world;
  await home.succeed(['config', '--global', 'credential.useHttpPath', 'true']);
  await home.succeed(['config', '--global', 'credential.helper', helperValue(helper)]);
  home.write('app/go.mod', 'module app\n\ngo 1.24\n');
  return world;
}

function go(home: GitHome, ...args: readonly string[]): Promise<Ran> {
  return home.run('go', args, {
    cwd: 'app',
    environment: {
      GOAUTH: 'orgkey-goauth',
      GOPRIVATE: 'dev.azure.com',
      GOTOOLCHAIN: 'local',
      GOFLAGS: '-modcacherw',
      GOTELEMETRY: 'off',
    },
  });
}

withGo('go finds the modules of two organizations by their pages, and git fetches them', async (t) => {
  const {daemon, home} = await goWorld(t);
  for (const [organization, module] of [
    [contoso, 'dev.azure.com/contoso/web/_git/gear'],
    [fabrikam, 'dev.azure.com/fabrikam/web/_git/cog'],
  ] as const) {
    const name = module.replace(/^.*\//, '');
    organization.addRepository(`web/${name}`, {
      files: {'go.mod': `module ${module}\n`, 'a.go': `package ${name}\n`},
    });
    const ran = await go(home, 'get', '-x', `${module}@main`);
    t.is(ran.code, 0, ran.stderr);
    const pages = cloud.requests
      .filter({endpoint: 'git'})
      .filter(({query, path}) => query['go-get'] === '1' && path.includes(name));
    t.deepEqual(
      pages.map(({status}) => status),
      [401, 200],
    );
  }
  const entries = await auditOf(daemon, 'go', 4);
  t.deepEqual([...new Set(entries.map(({organization}) => organization))], ['contoso', 'fabrikam']);
});

withGo('go goes on without a credential where orgkey has none', async (t) => {
  const {home} = await goWorld(t);
  cloud.addOrganization('wingtip').addRepository('web/nut', {files: {'go.mod': 'module x\n'}});
  const ran = await go(home, 'get', '-x', 'dev.azure.com/wingtip/web/_git/nut@main');
  t.not(ran.code, 0);
  t.regex(ran.stderr, /wingtip is not configured/);
});
