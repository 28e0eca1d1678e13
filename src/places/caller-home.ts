import {statSync} from 'node:fs';
import type {Environment} from '../text/environment.ts';

/**
 * Returns the uid of the user who called sudo, if root kept their home: what root made there, they could not change.
 * `undefined`: this is not root by sudo, or it has another home.
 */
export function callerOfHome({
  uid,
  home,
  environment,
}: {
  readonly uid: number;
  readonly home: string | undefined;
  readonly environment: Environment;
}): string | undefined {
  const caller = environment['SUDO_UID'];
  if (uid !== 0 || caller === undefined || caller === '0' || home === undefined) return undefined;
  return String(statSync(home, {throwIfNoEntry: false})?.uid) === caller ? caller : undefined;
}
