import {userInfo} from 'node:os';
import {isAbsolute} from 'node:path';
import {absoluteVariable} from './absolute-variable.ts';
import type {Environment} from '../text/environment.ts';

/** Returns the home directory: `$HOME`, else that of the user database. `undefined`: none, as in many containers. */
export function homeDirectory(environment: Environment): string | undefined {
  const named = absoluteVariable(environment, 'HOME');
  if (named !== undefined) return named;
  try {
    const {homedir} = userInfo();
    return isAbsolute(homedir) ? homedir : undefined;
  } catch {
    // this user is not in the database
    return undefined;
  }
}
