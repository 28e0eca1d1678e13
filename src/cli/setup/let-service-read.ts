import {chmod, chown} from 'node:fs/promises';
import {machineReaders} from '../../places/paths.ts';
import {printable} from '../../text/printable.ts';
import {readIfThere} from '../../files/replace-file.ts';
import type {Context} from '../context.ts';

/** Hands a file to root and to the group of the service, which has no other member. */
export async function letServiceRead(path: string, {terminal}: Pick<Context, 'terminal'>): Promise<void> {
  const groups = (await readIfThere('/etc/group'))?.toString('utf8') ?? '';
  const id = new RegExp(`^${machineReaders}:[^:]*:([0-9]+):`, 'm').exec(groups)?.[1];
  if (id === undefined) {
    terminal.warn(`the service cannot read ${printable(path)}: the group ${machineReaders} does not exist`);
    return;
  }
  await chown(path, 0, Number(id));
  await chmod(path, 0o640);
  terminal.say(`  made ${printable(path)} readable for the service, by its group ${machineReaders}`);
}
