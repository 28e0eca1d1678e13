import {constants, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {ControlConnection} from '../control/control-client.ts';
import {lastFailedStart} from '../service/failed-start.ts';
import {codeOf} from '../text/orgkey-error.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';
import {runtimeDirectory, runtimeDirectoryOfDaemon, setupDirectories, stateDirectory} from './locate.ts';
import {recallFirst} from './setup/remember-service.ts';

/** Connects to the daemon. @throws {OrgkeyError} if no daemon answers. */
export async function connectDaemon(options: Places, context: Context): Promise<ControlConnection> {
  const directory = runtimeDirectoryOfDaemon(options, context);
  if (directory === undefined) throw await notRunning('the daemon is not running', options, context);
  const folder = join(directory, 'control');
  const path = join(folder, 'control.sock');
  try {
    statSync(path);
  } catch (error) {
    if (codeOf(error) === 'EACCES')
      throw new CommandError(EXIT.unhealthy, `the daemon in ${directory} belongs to another user`, {
        hint: 'run the command as that user, or with sudo',
      });
    throw await notRunning(`the daemon is not running: ${path} does not exist`, options, context);
  }
  const known = knownSilence(folder);
  if (known !== undefined) throw known;
  const {connectControl} = await import('../control/control-client.ts');
  return connectControl(path, () => silent(folder));
}

/** The last daemon that did not answer. A command that asks it twice would wait twice. */
let silence:
  | {
      readonly folder: string;
      readonly pid: number | undefined;
      readonly at: number;
      readonly error: CommandError;
    }
  | undefined;

/** Returns the error of a daemon that was silent a moment ago, and is still the same process. */
function knownSilence(folder: string): CommandError | undefined {
  if (silence === undefined || silence.folder !== folder) return undefined;
  const isSame = silence.pid === readPid(join(folder, 'pid')) && performance.now() - silence.at < SILENT_FOR;
  return isSame ? silence.error : undefined;
}

/** A daemon that hangs or is stopped counts as not running, and is named so that it can be looked at. */
function silent(folder: string): CommandError {
  const pid = readPid(join(folder, 'pid'));
  const state = pid === undefined ? undefined : stateOf(pid);
  const who = pid === undefined ? '' : ` (pid ${pid}${state === undefined ? '' : `, state ${state}`})`;
  const error = new CommandError(EXIT.notRunning, `the daemon${who} does not answer`, {
    code: 'ERR_SILENT',
    hint: state === 'T' ? `let it go on: kill -CONT ${pid}` : 'run: orgkey service restart',
  });
  silence = {folder, pid, at: performance.now(), error};
  return error;
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(
      readFileSync(path, {encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NONBLOCK}),
    );
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the state of a process: R, S, D, T … `undefined`: the system does not tell. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return /\) ([A-Za-z]) [^)]*$/.exec(stat)?.[1];
  } catch {
    return undefined;
  }
}

/** Connects to the daemon, calls `use`, and closes the connection. */
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

export async function isRunning(options: Places, context: Context): Promise<boolean> {
  try {
    await withDaemon(options, context, async () => undefined);
    return true;
  } catch {
    return false;
  }
}

/** Waits for a daemon that was just started; it serves git first. Returns whether it answers within its time. */
export async function comesUp(options: Places, context: Context): Promise<boolean> {
  const end = performance.now() + START_LIMIT;
  while (performance.now() < end) {
    try {
      await withDaemon(options, context, async () => undefined);
      return true;
    } catch (error) {
      // it had its time already
      if (codeOf(error) === 'ERR_SILENT') return false;
      await context.wait(INTERVAL);
    }
  }
  return false;
}

/** In milliseconds. */
const START_LIMIT = 10_000;
const INTERVAL = 50;
const SILENT_FOR = 10_000;

/** A start that just failed is not suggested again: its cause and its repair are. */
async function notRunning(message: string, options: Places, context: Context): Promise<CommandError> {
  const remembered = await recallFirst(setupDirectories(options, context));
  const isLogged = remembered === undefined || LOGGED.has(remembered.kind);
  const failure = isLogged
    ? lastFailedStart(stateDirectory(options, context), runtimeDirectory(options, context))
    : undefined;
  if (failure === undefined)
    return new CommandError(EXIT.notRunning, message, {hint: 'start the daemon: orgkey service start'});
  return new CommandError(
    EXIT.notRunning,
    `the daemon is not running, its last start failed: ${failure.message}`,
    {
      hint: failure.hint ?? 'run: orgkey doctor',
    },
  );
}

/** The kinds of service whose daemon writes to a log of its own. */
const LOGGED: ReadonlySet<string> = new Set(['plain', 'launchd']);
