import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {startCloud, type Cloud} from '../cloud/cloud.ts';
import {BuiltApp, SystemdHome, whyNoSystemd} from '../helpers/systemd-home.ts';
import {NEWER, OLDER, packTwoVersions} from '../helpers/two-versions.ts';

const reason = whyNoSystemd();
const onSystemd = reason === undefined ? test.serial : test.serial.skip;
const because = reason === undefined ? '' : ` (skipped: ${reason})`;

const ORGANIZATIONS = ['contoso', 'fabrikam', 'tailspin', 'northwind'];
/** Of nobody who exists. */
const uid = 4321;

let app: BuiltApp;
let cloud: Cloud;
test.before(async () => {
  if (reason !== undefined) return;
  app = new BuiltApp();
  cloud = await startCloud();
});
test.after.always(async () => {
  app?.remove();
  await cloud?.close();
});

onSystemd(
  `versions are installed over each other while clones run, and no clone fails${because}`,
  async (t) => {
    packTwoVersions(join(app.directory, 'dist'), app.directory);
    // tokens that end at once keep acquirers busy at every moment of an upgrade
    cloud.tokenSettings.life = 66;
    const {credentials, urls} = addOrganizations();
    const home = new SystemdHome(app, uid, `integrations:\n  azure:\n    - credentials:\n${credentials}`);
    t.teardown(() => home.remove());
    // the units have a /tmp of their own
    const caFile = home.write('ca.pem', readFileSync(cloud.caFile, 'utf8'));
    const environment = Object.fromEntries(
      Object.entries(cloud.environment()).map(([name, value]) => [
        name,
        value === cloud.caFile ? caFile : value,
      ]),
    );
    const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
    home.write('.config/orgkey/env', lines.join(''));

    const {failures, served, clones} = await home.run('upgrade', {
      environment: {...environment, ORGKEY_CLONES: urls.join(' ')},
    });
    t.log(`${String(clones)} clones with three submodules each`);
    t.deepEqual({failures, served}, {failures: [], served: [NEWER, OLDER, NEWER, OLDER]});
  },
);

/** Each with an app of its own and a repository with submodules. */
function addOrganizations(): {readonly credentials: string; readonly urls: readonly string[]} {
  const tenant = cloud.addTenant();
  const added = ORGANIZATIONS.map((name) => {
    const app = tenant.addApplication();
    const organization = cloud.addOrganization(name, {tenant, members: [app]});
    const submodules = [1, 2, 3].map((number) => ({
      path: `module-${number}`,
      url: organization.addRepository(`web/module-${number}`, {files: {a: `${number}`}}).url,
    }));
    const identity = `clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}`;
    return {
      credential: `        - {organizations: [${name}], ${identity}}\n`,
      url: organization.addRepository('web/whole', {submodules}).url,
    };
  });
  return {
    credentials: added.map(({credential}) => credential).join(''),
    urls: added.map(({url}) => url),
  };
}
