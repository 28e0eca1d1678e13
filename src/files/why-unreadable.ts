import {access, constants} from 'node:fs/promises';
import {dirname} from 'node:path';
import {machineDirectory, machineReaders} from '../places/paths.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {showablePath} from '../text/showable.ts';

/** Returns the command that lets us read a file. Files in `/etc/orgkey` stay root's, and a group may read them. */
export async function repairUnreadable(path: string): Promise<string> {
  const closed = await firstClosed(path);
  if (closed !== undefined)
    return isOfMachine(closed)
      ? `chmod go+x ${wordOf(closed)}`
      : `put the file somewhere else: we cannot enter ${showablePath(closed)}`;
  return isOfMachine(path)
    ? `chgrp ${machineReaders} ${wordOf(path)} && chmod 640 ${wordOf(path)}`
    : `chown ${process.getuid?.() ?? 0} ${wordOf(path)}`;
}

function isOfMachine(path: string): boolean {
  return path === machineDirectory || path.startsWith(`${machineDirectory}/`);
}

/** Returns the highest directory above the path that we cannot enter. */
async function firstClosed(path: string): Promise<string | undefined> {
  const above = dirname(path);
  if (above === path) return undefined;
  const higher = await firstClosed(above);
  if (higher !== undefined) return higher;
  return access(above, constants.X_OK).then(
    () => undefined,
    () => above,
  );
}

function wordOf(path: string): string {
  return shellWord(showablePath(path));
}
