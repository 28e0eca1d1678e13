import {mkdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {codeOf, messageOf, OrgkeyError} from '../text/orgkey-error.ts';

/** How users name another directory than the one that failed. */
export interface Naming {
  readonly option: string;
  readonly variable: string;
  /** What they name. Default: a directory. */
  readonly what?: string;
}

export const RUNTIME_NAMING: Naming = {option: '--runtime-dir', variable: 'ORGKEY_RUNTIME_DIR'};
export const STATE_NAMING: Naming = {option: '--state-dir', variable: 'ORGKEY_STATE_DIR'};
export const CONFIGURATION_NAMING: Naming = {option: '--config', variable: 'ORGKEY_CONFIG', what: 'file'};

/**
 * Makes a directory and its parents.
 *
 * @throws {OrgkeyError} that names the directory in which nothing can be made.
 */
export function makeDirectory(path: string, mode: number, naming: Naming): void {
  try {
    makeWithParents(path, mode);
  } catch (error) {
    throw cannotMake(path, error, naming);
  }
}

export function cannotMake(
  path: string,
  error: unknown,
  {option, variable, what = 'directory'}: Naming,
): OrgkeyError {
  return new OrgkeyError('ERR_CLAIM', `${path} cannot be made or entered: ${whyNot(path, error)}`, {
    hint: `name a ${what} that you can write to in ${variable}, or with ${option}`,
    cause: error,
  });
}

/** Makes the parents one by one: Node's own way reports ENOENT if the file system is read-only. */
function makeWithParents(path: string, mode: number): void {
  try {
    mkdirSync(path, {mode});
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path) throw error;
    makeWithParents(parent, mode);
    mkdirSync(path, {mode});
  }
}

function whyNot(path: string, error: unknown): string {
  const failed = error instanceof Error && 'path' in error ? String(error.path) : path;
  const parent = dirname(failed);
  switch (codeOf(error)) {
    case 'EROFS':
      return `the file system of ${parent} is read-only (EROFS)`;
    case 'EACCES':
    case 'EPERM':
      return `this user has no write permission in ${parent} (${codeOf(error)})`;
    case 'ENOSPC':
      return `the file system of ${parent} is full (ENOSPC)`;
    default:
      return codeOf(error) ?? messageOf(error);
  }
}
