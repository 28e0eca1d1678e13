import {randomBytes} from 'node:crypto';
import {mkdir, open, readFile, rename, rm} from 'node:fs/promises';
import {dirname} from 'node:path';
import {messageOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import type {Finished, RunCommand} from './machine.ts';
import type {Environment} from '../text/environment.ts';

/** One step of an order to a service, as data: `--dry-run` shows it, `applyChanges` applies it. */
export type Change =
  | {
      readonly kind: 'write';
      /** Absolute. */
      readonly path: string;
      readonly text: string;
      /** Permission bits. */
      readonly mode: number;
    }
  | {readonly kind: 'make-directory'; readonly path: string; readonly mode: number}
  | {readonly kind: 'remove'; readonly path: string}
  | {
      readonly kind: 'run';
      readonly command: readonly string[];
      /** `ignored`: a failure changes nothing. `survived`: the rest is done first, then the failure is reported. */
      readonly failure: 'reported' | 'survived' | 'ignored';
    };

/** Describes a change for people: `write /home/ann/.config/systemd/user/orgkey.socket`. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'write':
      return `write ${change.path}`;
    case 'make-directory':
      return `make the directory ${change.path}`;
    case 'remove':
      return `remove ${change.path}`;
    case 'run':
      return `run ${change.command.join(' ')}`;
  }
}

/**
 * Applies changes in order, up to the first failure that is not `survived`. Files are replaced as a whole, never
 * written in place.
 */
export async function applyChanges(
  changes: readonly Change[],
  {run, environment}: {readonly run: RunCommand; readonly environment: Environment},
): Promise<ChangeFailure | undefined> {
  let survived: ChangeFailure | undefined;
  for (const change of changes) {
    try {
      const message = await applyChange(change, run, environment);
      if (message === undefined) continue;
      if (change.kind !== 'run' || change.failure !== 'survived') return {change, message};
      survived ??= {change, message};
    } catch (error) {
      return {change, message: `cannot ${describeChange(change)}: ${messageOf(error)}`};
    }
  }
  return survived;
}

export interface ChangeFailure {
  readonly change: Change;
  /** Lower case, no full stop. */
  readonly message: string;
}

async function applyChange(
  change: Change,
  run: RunCommand,
  environment: Environment,
): Promise<string | undefined> {
  switch (change.kind) {
    case 'write':
      return writeWhole(change);
    case 'make-directory':
      await mkdir(change.path, {recursive: true, mode: change.mode});
      return undefined;
    case 'remove':
      await rm(change.path, {force: true});
      return undefined;
    case 'run': {
      const finished = await run(change.command, environment);
      if (finished.code === 0 || change.failure === 'ignored') return undefined;
      return describeFailure(change.command, finished);
    }
  }
}

async function writeWhole({path, text, mode}: Extract<Change, {kind: 'write'}>): Promise<undefined> {
  await mkdir(dirname(path), {recursive: true});
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await using file = await open(temporary, 'wx', mode);
    // the umask may have removed bits that systemd needs to read the file
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, {force: true});
    throw error;
  }
}

/** Quotes the last line of a program's output, which names the cause. */
function describeFailure(command: readonly string[], {code, stdout, stderr}: Finished): string {
  const line = (stderr.trim() === '' ? stdout : stderr).trim().split('\n').at(-1) ?? '';
  const how = code === undefined ? 'did not run' : `failed with status ${code}`;
  return `${command.join(' ')} ${how}${line === '' ? '' : `: ${printable(line)}`}`;
}

/** Returns the writes that make a difference: the file does not exist, or holds other text. */
export async function writesNeeded(
  files: readonly Extract<Change, {kind: 'write'}>[],
): Promise<readonly Extract<Change, {kind: 'write'}>[]> {
  const current = await Promise.all(files.map(({path}) => readText(path)));
  return files.filter(({text}, at) => current[at] !== text);
}

/** Returns the text of a file. `undefined`: it does not exist or cannot be read. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
