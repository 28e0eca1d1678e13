import {accessSync, constants, realpathSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {ClientWorld} from './client.ts';
import type {Environment} from '../text/environment.ts';

export function onPath(name: string, environment: Environment): string | undefined {
  return foldersOf(environment)
    .map((folder) => join(folder, name))
    .find((path) => isProgram(path));
}

export function foldersOf(environment: Environment): string[] {
  return (environment['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
}

/** Returns the path of our script for a configuration: the PATH's link to it lives longer than a folder of npm. */
export function scriptPath(name: string, {environment, scripts}: ClientWorld): string {
  const script = join(scripts, name);
  const found = onPath(name, environment);
  return found !== undefined && isSame(found, script) ? found : script;
}

export function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
