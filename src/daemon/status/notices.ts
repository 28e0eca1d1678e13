import type {Grants} from '../../ssh/grant/grants.ts';
import type {AuditTrail} from '../record/audit-trail.ts';
import type {Notice} from '../../control/control-protocol.ts';

export const isFromBefore: Notice = {
  level: 'yellow',
  message: 'orgkey was updated, and the daemon from before still runs',
  hint: 'run: orgkey service restart',
};

export function keyNotices({trouble}: Pick<Grants, 'trouble'>): Notice[] {
  if (trouble === undefined) return [];
  const {message, hints} = trouble;
  return [{level: 'red', message: `submodule keys: ${message}`, hint: hints[0]}];
}

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
