import type {Notice} from '../../control/control-protocol.ts';
import type {ProgramOnDisk} from '../../entra/child/acquirer-program.ts';

export function updateNotices({isReplaced}: Pick<ProgramOnDisk, 'isReplaced'>): Notice[] {
  return isReplaced
    ? [
        {
          level: 'warning',
          message: 'orgkey was updated, but the daemon of the earlier version still runs',
          hint: 'run: orgkey service restart',
        },
      ]
    : [];
}
