import {access} from 'node:fs/promises';

/** Whether we have this access to a path. `mode`: of `constants`. */
export function canAccess(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
