import type {AuditTrail} from '../record/audit-trail.ts';
import type {Notice} from '../../control/control-protocol.ts';

export const isFromBefore: Notice = {
  level: 'yellow',
  message: 'orgkey was updated, and the daemon from before still runs',
  hint: 'run: orgkey service restart',
};

export function auditNotices({dropped}: Pick<AuditTrail, 'dropped'>): Notice[] {
  return dropped === 0
    ? []
    : [
        {
          level: 'yellow',
          message: `${dropped} audit lines could not be written`,
          hint: 'make room on the disk of the state directory',
        },
      ];
}
