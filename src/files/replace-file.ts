import {mkdir, open, readFile, realpath, rename, rm, stat, type FileHandle} from 'node:fs/promises';
import {dirname} from 'node:path';
import {shellWord} from '../text/quote-for-shell.ts';

/** Why a file stayed as it was. */
class ReplaceError extends Error {
  override readonly name = 'ReplaceError';
  readonly code = 'ERR_NOT_REPLACED';
  readonly hint: string;

  constructor(message: string, {hint, cause}: {hint: string; cause?: unknown}) {
    super(message, {cause});
    this.hint = hint;
  }
}

interface Replacement {
  /** As it was read; `undefined`: there was none. */
  readonly was: Buffer | undefined;
  /** `undefined`: the file goes away. */
  readonly next: Buffer | undefined;
  /** Permission bits of a new file; one that is there keeps its own. */
  readonly mode: number;
  /** Whether a file that cannot keep its owner and its group is left alone, or becomes ours. */
  readonly owner: 'kept' | 'kept-if-possible';
}

/**
 * Puts other bytes in the place of a file at once, under the lock that git itself takes of its files, so that nothing
 * that is being written now is lost. A link stays one; mode, owner and group stay.
 * @throws {ReplaceError} where somebody holds the lock, the file is not as it was read, or it would be somebody else's.
 */
export async function replaceFile(path: string, {was, next, mode, owner}: Replacement): Promise<void> {
  const target = await followed(path);
  const lock = `${target}.lock`;
  await mkdir(dirname(target), {recursive: true});
  const file = await open(lock, 'wx', 0o600).catch((error: unknown) => {
    throw cannotLock(path, lock, error);
  });
  try {
    if (!sameBytes(await readIfThere(target), was))
      throw new ReplaceError(`${path} was changed meanwhile`, {
        hint: 'look at what is there now, then do it again',
      });
    if (next === undefined) {
      await rm(target, {force: true});
      await rm(lock, {force: true});
      return;
    }
    await file.writeFile(next);
    if (was === undefined) await file.chmod(mode);
    else await takeOver(file, {path, target, owner});
    await file.sync();
    await rename(lock, target);
  } catch (error) {
    await rm(lock, {force: true});
    throw error;
  } finally {
    await file.close();
  }
}

/** `undefined`: there is no such file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

/** Owner and group first: a change of them takes bits away, and the mode is for them. */
async function takeOver(
  file: FileHandle,
  {path, target, owner}: Pick<Replacement, 'owner'> & {readonly path: string; readonly target: string},
): Promise<void> {
  const [ours, known] = [await file.stat(), await stat(target)];
  if (ours.uid !== known.uid || ours.gid !== known.gid) {
    await file.chown(known.uid, known.gid).catch((error: unknown) => {
      if (owner === 'kept')
        throw new ReplaceError(`${path} would not keep its owner and its group`, {
          hint: `do it as root, or take it over first: chown ${ours.uid}:${ours.gid} ${shellWord(target)}`,
          cause: error,
        });
    });
  }
  await file.chmod(known.mode & 0o7777);
}

/** Links are followed; a file that is not there yet is itself. */
async function followed(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}

function cannotLock(path: string, lock: string, error: unknown): ReplaceError {
  const code = codeOf(error);
  return code === 'EEXIST'
    ? new ReplaceError(`${path} is locked`, {
        hint: `if nobody is writing it now: rm ${shellWord(lock)}`,
        cause: error,
      })
    : new ReplaceError(`${path} cannot be written (${code ?? 'unknown error'})`, {
        hint: 'look at the modes and the owner of its directory',
        cause: error,
      });
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
