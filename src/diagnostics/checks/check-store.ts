import {access, constants, lstat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {codeOf} from '../../text/orgkey-error.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, skipped, failed} = diagnosticsOf('daemon');

/** Checks that only we can read the state directory, with its sign-ins, stored logins and audit trail. */
export async function checkStore({
  stateDirectory,
  uid,
}: Pick<World, 'stateDirectory' | 'uid'>): Promise<readonly Diagnostic[]> {
  const paths = [stateDirectory, join(stateDirectory, 'secrets'), join(stateDirectory, 'audit.jsonl')];
  const seen = await Promise.all(
    paths.map(async (path) => ({path, facts: await lstat(path).catch(() => undefined)})),
  );
  const [top] = seen;
  if (top?.facts === undefined) return [await whetherItCanBeMade(stateDirectory)];
  const found = seen.flatMap(({path, facts}) => {
    const shown = printable(path, 200);
    if (facts === undefined) return [];
    if (facts.isSymbolicLink())
      return [failed('state', `${shown} is a symbolic link`, 'replace the link by its target')];
    if (facts.uid !== uid && uid !== 0 && facts.uid !== 0)
      return [
        failed(
          'state',
          `${shown} belongs to another user (uid ${facts.uid})`,
          'set ORGKEY_STATE_DIR to your own directory',
        ),
      ];
    return (facts.mode & 0o077) === 0
      ? []
      : [failed('state', `others may read ${shown}`, `chmod go-rwx ${shellWord(path)}`)];
  });
  return found.length === 0 ? [ok('state', `${printable(stateDirectory, 200)}, private`)] : found;
}

/** Without the state directory no daemon starts. */
async function whetherItCanBeMade(directory: string): Promise<Diagnostic> {
  const shown = printable(directory, 200);
  const closed = await firstClosed(directory);
  return closed === undefined
    ? skipped('state', `${shown} does not exist yet`)
    : failed(
        'state',
        `${shown} cannot be made or entered: this user has no write permission in ${printable(closed, 200)}`,
        'set ORGKEY_STATE_DIR to a directory that you can write to',
      );
}

/** Returns the next directory above that exists, unless we can make directories in it. */
async function firstClosed(path: string): Promise<string | undefined> {
  const above = dirname(path);
  try {
    await access(above, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return codeOf(error) === 'ENOENT' && above !== path ? firstClosed(above) : above;
  }
}
