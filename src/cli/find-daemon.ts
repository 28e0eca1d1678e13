import {statSync} from 'node:fs';
import {join} from 'node:path';
import type {ControlConnection} from '../control/control-client.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';
import {runtimeDirectoryOfDaemon} from './locate.ts';

/** @throws {CommandError} or {ControlError} where no daemon answers. */
export async function connectDaemon(options: Places, context: Context): Promise<ControlConnection> {
  const directory = runtimeDirectoryOfDaemon(options, context);
  if (directory === undefined) throw notRunning('the daemon is not running');
  const folder = join(directory, 'control');
  const path = join(folder, 'control.sock');
  try {
    statSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES')
      throw new CommandError(EXIT.unhealthy, `the daemon of ${directory} is another user's`, {
        hint: 'only its own user and root may ask it: use sudo',
      });
    throw notRunning(`the daemon is not running: nothing is at ${path}`);
  }
  const {connectControl} = await import('../control/control-client.ts');
  return connectControl(path);
}

/** Connects, does one thing, and hangs up. */
export async function withDaemon<Result>(
  options: Places,
  context: Context,
  use: (daemon: ControlConnection) => Promise<Result>,
): Promise<Result> {
  const daemon = await connectDaemon(options, context);
  try {
    return await use(daemon);
  } finally {
    daemon.close();
  }
}

/** Whether a daemon can be asked now. */
export async function isRunning(options: Places, context: Context): Promise<boolean> {
  try {
    await withDaemon(options, context, async () => undefined);
    return true;
  } catch {
    return false;
  }
}

/** Whether a daemon that was just started can be asked within its time: git is answered first, people after that. */
export async function comesUp(options: Places, context: Context): Promise<boolean> {
  for (let waited = 0; waited < START_LIMIT; waited += INTERVAL) {
    if (await isRunning(options, context)) return true;
    await context.wait(INTERVAL);
  }
  return false;
}

/** In milliseconds. */
const START_LIMIT = 10_000;
const INTERVAL = 50;

function notRunning(message: string): CommandError {
  return new CommandError(EXIT.notRunning, message, {hint: 'start it: orgkey service start'});
}
