import {lstat} from 'node:fs/promises';
import {join} from 'node:path';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, skipped, failed} = diagnosticsOf('daemon');

/** Where sign-ins, stored logins and the audit survive: nobody else may look into it. */
export async function checkStore({
  stateDirectory,
  uid,
}: Pick<World, 'stateDirectory' | 'uid'>): Promise<readonly Diagnostic[]> {
  const paths = [stateDirectory, join(stateDirectory, 'secrets'), join(stateDirectory, 'audit.jsonl')];
  const seen = await Promise.all(
    paths.map(async (path) => ({path, facts: await lstat(path).catch(() => undefined)})),
  );
  const [top] = seen;
  if (top?.facts === undefined)
    return [skipped('state', `${printable(stateDirectory, 200)} is not there, or not to be entered by us`)];
  const faults = seen.flatMap(({path, facts}) => {
    const shown = printable(path, 200);
    if (facts === undefined) return [];
    if (facts.isSymbolicLink())
      return [failed('state', `${shown} is a link`, 'move what it leads to in its place')];
    if (facts.uid !== uid && uid !== 0 && facts.uid !== 0)
      return [
        failed(
          'state',
          `${shown} belongs to another user (uid ${facts.uid})`,
          'set ORGKEY_STATE_DIR to a directory of yours',
        ),
      ];
    return (facts.mode & 0o077) === 0
      ? []
      : [failed('state', `others may look into ${shown}`, `chmod go-rwx ${shellWord(path)}`)];
  });
  return faults.length === 0 ? [ok('state', `${printable(stateDirectory, 200)}, for us alone`)] : faults;
}
