import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';

const unpacked = join(import.meta.dirname, '../../.cache/bwrap/bin/bwrap');

/** The program: what `scripts/test-packages bwrap` brought, or the machine's. */
export const bubblewrap = existsSync(unpacked) ? unpacked : 'bwrap';

/** Returns why sandboxes cannot be made here, or `undefined` if they can. */
export function whyNoBubblewrap(): string | undefined {
  const {error, status, stderr} = spawnSync(bubblewrap, [...sandbox(), 'true'], {encoding: 'utf8'});
  if (error !== undefined) return 'no bubblewrap: scripts/test-packages bwrap brings one';
  return status === 0 ? undefined : `bubblewrap cannot make a sandbox here: ${stderr.trim()}`;
}

/** Arguments for a sandbox with process numbers of its own that sees this machine. Mounts may follow. */
export function sandbox(...mounts: readonly string[]): string[] {
  return ['--dev-bind', '/', '/', '--unshare-pid', '--proc', '/proc', '--die-with-parent', ...mounts];
}
