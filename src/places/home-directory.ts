import {userInfo} from 'node:os';
import {isAbsolute} from 'node:path';
import {absoluteVariable} from './absolute-variable.ts';

/** The home directory: `$HOME`, else what the machine knows. `undefined`: nobody knows one, as in many containers. */
export function homeDirectory(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = absoluteVariable(environment, 'HOME');
  if (named !== undefined) return named;
  try {
    const {homedir} = userInfo();
    return isAbsolute(homedir) ? homedir : undefined;
  } catch {
    // this user is in no list
    return undefined;
  }
}
