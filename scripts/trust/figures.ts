import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {hostileRequests} from '../../test/protocol/hostile-requests.ts';

const root = join(import.meta.dirname, '../..');

/** Returns lines with the other figures of trust. */
export async function otherFigures(): Promise<readonly string[]> {
  const packages = Object.keys(JSON.parse(readFileSync(join(root, 'scripts/runtime-packages.json'), 'utf8')));
  return [
    `${hostileRequests.length} hostile requests in a table`,
    `${packages.length} bundled packages, reviewed by version, license and hash`,
    advisories(),
  ];
}

const NOT_CHECKED = 'advisories: NOT CHECKED, the registry does not answer; run again where it does';

/** Asks the registry for known weaknesses, if it answers. */
function advisories(): string {
  const {stdout} = spawnSync('npm', ['audit', '--json', '--audit'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  try {
    const {metadata} = JSON.parse(stdout) as {metadata?: {vulnerabilities?: {total?: number}}};
    const total = metadata?.vulnerabilities?.total;
    return total === undefined ? NOT_CHECKED : `${total} advisories for packages of the lock file`;
  } catch {
    return NOT_CHECKED;
  }
}
