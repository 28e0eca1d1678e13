import {statSync} from 'node:fs';
import {CommandError} from './command-error.ts';
import type {Context} from './context.ts';
import {EXIT} from './exit-code.ts';

/**
 * With sudo, root may keep the HOME of the user who called it. What root wrote there, that user could not change.
 * @throws {CommandError}
 */
export function requireOwnHome({uid, home, environment}: Context): void {
  const caller = environment['SUDO_UID'];
  if (uid !== 0 || caller === undefined || caller === '0' || home === undefined) return;
  if (String(statSync(home, {throwIfNoEntry: false})?.uid) !== caller) return;
  throw new CommandError(EXIT.unhealthy, `root would write to ${home}, the home of the user ${caller}`, {
    hint: 'run it without sudo, or with the home of root: sudo -H',
  });
}
