import {chmod, chown} from 'node:fs/promises';
import {machineReaders} from '../../places/paths.ts';
import {printable} from '../../text/printable.ts';
import {readIfThere} from '../../files/replace-file.ts';
import type {Context} from '../context.ts';

/** What we made or were given belongs to root; the service reads it by a group in which nobody else is. */
export async function letServiceRead(path: string, {terminal}: Pick<Context, 'terminal'>): Promise<void> {
  const groups = (await readIfThere('/etc/group'))?.toString('utf8') ?? '';
  const id = new RegExp(`^${machineReaders}:[^:]*:([0-9]+):`, 'm').exec(groups)?.[1];
  if (id === undefined) {
    terminal.warn(`there is no group ${machineReaders}: the service cannot read ${printable(path)}`);
    return;
  }
  await chown(path, 0, Number(id));
  await chmod(path, 0o640);
  terminal.say(`  let the service read ${printable(path)}, by its group ${machineReaders}`);
}
