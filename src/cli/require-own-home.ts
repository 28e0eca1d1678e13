import {callerOfHome} from '../places/caller-home.ts';
import {CommandError} from './command-error.ts';
import type {Context} from './context.ts';
import {EXIT} from './exit-code.ts';

/** @throws {CommandError} if root would write to the home of the user who called sudo. */
export function requireOwnHome(context: Context): void {
  const caller = callerOfHome(context);
  if (caller === undefined) return;
  throw new CommandError(
    EXIT.unhealthy,
    `root would write to ${context.home}, the home of the user ${caller}`,
    {hint: 'run it without sudo, or with the home of root: sudo -H'},
  );
}
