import {access, constants} from 'node:fs/promises';
import {dirname} from 'node:path';
import {machineDirectory, machineReaders} from '../places/machine-configuration.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {showablePath} from '../text/showable.ts';

/** What lets us read a file that we may not read. What is in `/etc/orgkey` stays root's, and is read by a group. */
export async function repairUnreadable(path: string): Promise<string> {
  const closed = await firstClosed(path);
  if (closed !== undefined)
    return isOfMachine(closed)
      ? `chmod go+x ${wordOf(closed)}`
      : `we may not enter ${showablePath(closed)}: put the file somewhere else`;
  return isOfMachine(path)
    ? `chgrp ${machineReaders} ${wordOf(path)} && chmod 640 ${wordOf(path)}`
    : `chown ${process.getuid?.() ?? 0} ${wordOf(path)}`;
}

function isOfMachine(path: string): boolean {
  return path === machineDirectory || path.startsWith(`${machineDirectory}/`);
}

/** The highest of the directories above it that we may not enter. */
async function firstClosed(path: string): Promise<string | undefined> {
  const above = dirname(path);
  if (above === path) return undefined;
  const higher = await firstClosed(above);
  if (higher !== undefined) return higher;
  return await access(above, constants.X_OK).then(
    () => undefined,
    () => above,
  );
}

function wordOf(path: string): string {
  return shellWord(showablePath(path));
}
