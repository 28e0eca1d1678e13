import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Cloud} from '../cloud/cloud.ts';
import {SystemdHome, type BuiltApp} from './systemd-home.ts';
import {packTwoVersions} from './two-versions.ts';

const ORGANIZATIONS = ['contoso', 'fabrikam', 'tailspin', 'northwind'];
/** A uid without an account. */
const uid = 4321;

/** Installs two versions over each other, in turns, while clones run. Returns what it saw. */
export async function updateUnderClones(
  app: BuiltApp,
  cloud: Cloud,
  {
    updates,
    onProgress = () => undefined,
  }: {
    readonly updates: number;
    readonly onProgress?: (line: string) => void;
  },
): Promise<Record<string, unknown>> {
  packTwoVersions(join(app.directory, 'dist'), app.directory);
  // Tokens that expire at once keep acquirers busy at every moment of an update
  cloud.tokenSettings.life = 66;
  const {credentials, urls} = addOrganizations(cloud);
  const home = new SystemdHome(app, uid, `integrations:\n  azure:\n    - credentials:\n${credentials}`);
  try {
    // The units have their own /tmp
    const caFile = home.write('ca.pem', readFileSync(cloud.caFile, 'utf8'));
    const environment = Object.fromEntries(
      Object.entries(cloud.environment()).map(([name, value]) => [
        name,
        value === cloud.caFile ? caFile : value,
      ]),
    );
    const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
    home.write('.config/orgkey/env', lines.join(''));
    return await home.run('upgrade', {
      environment: {...environment, ORGKEY_CLONES: urls.join(' '), ORGKEY_UPDATES: String(updates)},
      onProgress,
    });
  } finally {
    home.remove();
    cloud.tokenSettings.life = 3599;
  }
}

/** Each has its own app, and a repository with submodules. */
function addOrganizations(cloud: Cloud): {readonly credentials: string; readonly urls: readonly string[]} {
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
