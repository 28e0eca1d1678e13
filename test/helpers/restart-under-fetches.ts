import {randomBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import type {Cloud} from '../cloud/cloud.ts';
import {gits} from './gits.ts';
import {SystemdHome, type BuiltApp} from './systemd-home.ts';

// the proxy on a Unix socket is of git 2.47
const git = gits.findLast(({hasAuthtype}) => hasAuthtype);

/** Returns why no git here speaks to a gateway's socket, or `undefined` if one does. */
export function whyNoGitForSockets(): string | undefined {
  return git === undefined ? 'there is no newer git' : git.missing;
}

/** Restarts a daemon under systemd while gits fetch through its gateway, eight at a time. Returns what it saw. */
export async function restartUnderFetches(
  app: BuiltApp,
  cloud: Cloud,
  {fetches, restarts}: {readonly fetches: number; readonly restarts: number},
): Promise<Record<string, unknown>> {
  const northwind = cloud.addOrganization('northwind-traders');
  const {value: pat} = northwind.addPat();
  const files = {pack: randomBytes(4_000_000).toString('base64')};
  const {url} = northwind.addRepository('web/site', {files});
  const home = new SystemdHome(
    app,
    // a git that is unpacked below the checkout may be out of the reach of others
    0,
    `integrations: {azure: [{credentials: [{organizations: [northwind-traders], personalAccessToken: "${pat}"}]}]}
orgkey: {gateways: [{name: agents, repositories: [northwind-traders/web/*]}]}
`,
  );
  try {
    // the units have their own /tmp
    const caFile = home.write('ca.pem', readFileSync(cloud.caFile, 'utf8'));
    const lines = Object.entries(cloud.environment()).map(
      ([name, value]) => `${name}=${value === cloud.caFile ? caFile : value}\n`,
    );
    home.write('.config/orgkey/env', lines.join(''));
    return await home.run('fetches', {
      environment: {
        PATH: `${git?.path}:${process.env['PATH']}`,
        ORGKEY_CLONES: url,
        ORGKEY_FETCHES: String(fetches),
        ORGKEY_RESTARTS: String(restarts),
      },
    });
  } finally {
    home.remove();
  }
}
