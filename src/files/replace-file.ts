import {mkdir, open, readFile, realpath, rename, rm, stat, type FileHandle} from 'node:fs/promises';
import {dirname} from 'node:path';
import {codeOf, OrgkeyError} from '../text/orgkey-error.ts';
import {shellWord} from '../text/quote-for-shell.ts';

interface Replacement {
  /** What was read before; `undefined`: the file did not exist. */
  readonly was: Buffer | undefined;
  /** `undefined`: the file is removed. */
  readonly next: Buffer | undefined;
  /** Permission bits of a new file; an existing one keeps its own. */
  readonly mode: number;
  /** Whether a file that cannot keep its owner and group is left alone, or becomes our own. */
  readonly owner: 'kept' | 'kept-if-possible';
}

/**
 * Replaces the content of a file in one step. It takes the lock that git takes for its own files, so that a change
 * which is being written now is not lost. Links stay links; mode, owner and group stay.
 * @throws {OrgkeyError} if the file is locked, is not as it was read, or would get another owner.
 */
export async function replaceFile(path: string, {was, next, mode, owner}: Replacement): Promise<void> {
  const target = await followed(path);
  const lock = `${target}.lock`;
  const fail = (error: unknown): never => {
    throw cannotLock(path, lock, error);
  };
  await mkdir(dirname(target), {recursive: true}).catch(fail);
  const file = await open(lock, 'wx', 0o600).catch(fail);
  try {
    if (!sameBytes(await readIfThere(target), was))
      throw new OrgkeyError('ERR_NOT_REPLACED', `${path} was changed in the meantime`, {
        hint: 'look at the file, then run the command again',
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

/** Reads a file. Returns `undefined` if it does not exist. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whether two files have the same content, `undefined` meaning that one does not exist. */
export function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

/** Copies to the new file the owner, group and mode of the old one. The mode is last, because chown clears bits of it. */
async function takeOver(
  file: FileHandle,
  {path, target, owner}: Pick<Replacement, 'owner'> & {readonly path: string; readonly target: string},
): Promise<void> {
  const [ours, known] = [await file.stat(), await stat(target)];
  if (ours.uid !== known.uid || ours.gid !== known.gid) {
    await file.chown(known.uid, known.gid).catch((error: unknown) => {
      if (owner === 'kept')
        throw new OrgkeyError('ERR_NOT_REPLACED', `${path} would not keep its owner and group`, {
          hint: `run the command as root, or take the file over first: chown ${ours.uid}:${ours.gid} ${shellWord(target)}`,
          cause: error,
        });
    });
  }
  await file.chmod(known.mode & 0o7777);
}

/** Follows links. A file that does not exist yet is returned as it is. */
async function followed(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}

function cannotLock(path: string, lock: string, error: unknown): OrgkeyError {
  const code = codeOf(error);
  return code === 'EEXIST'
    ? new OrgkeyError('ERR_NOT_REPLACED', `${path} is locked`, {
        hint: `if no other program is writing it: rm ${shellWord(lock)}`,
        cause: error,
      })
    : new OrgkeyError('ERR_NOT_REPLACED', `${path} cannot be written (${code ?? 'unknown error'})`, {
        hint: 'check the owner and mode of its directory',
        cause: error,
      });
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}
