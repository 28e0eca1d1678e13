import type {Notice} from '../../control/control-protocol.ts';
import type {ProgramOnDisk} from '../../entra/child/acquirer-program.ts';
import type {AuditTrail} from '../record/audit-trail.ts';

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

export function auditNotices({dropped}: Pick<AuditTrail, 'dropped'>): Notice[] {
  return dropped === 0
    ? []
    : [
        {
          level: 'warning',
          message: `${dropped} audit lines could not be written`,
          hint: 'make room on the disk of the state directory',
        },
      ];
}
