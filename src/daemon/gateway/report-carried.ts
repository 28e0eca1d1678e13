import type {Carried} from '../../gateway/carried.ts';
import {printable} from '../../text/printable.ts';
import type {AuditTrail} from '../record/audit-trail.ts';
import type {Log} from '../record/log.ts';
import {boundedPath} from '../record/report.ts';

interface Records {
  readonly audit: Pick<AuditTrail, 'write'>;
  readonly log: Log;
  readonly now: () => number;
}

export function reportCarried(gateway: string, event: Carried, {audit, log, now}: Records): void {
  const {id, operation, host, organization, repository, identity, refs, outcome, code} = event;
  const {fingerprint, issuerRequest, activity, sent, received, duration} = event;
  const shown = repository === undefined ? undefined : boundedPath(repository);
  audit.write(
    {
      time: new Date(now()).toISOString(),
      event: 'carry',
      outcome,
      socket: `gateway-${gateway}`,
      id,
      operation,
      host: printable(host, 300),
      organization,
      path: shown,
      identity,
      fingerprint,
      issuerRequest,
      activity: activity && printable(activity, 100),
      refs: refs.length === 0 ? undefined : refs.map((ref) => boundedPath(ref)),
      sent,
      received,
      reason: code,
      duration: Math.round(duration * 1000) / 1000,
    },
    {name: `gateway-${gateway}`, organizations: new Set()},
  );
  const details = () => ({gateway, organization, identity, id, ms: Math.round(duration * 100) / 100});
  const what = `gateway ${gateway}: ${operation} of ${shown ?? 'an unknown repository'}`;
  if (outcome === 'carried') log('debug', `${what}: ${received} bytes`, details);
  else
    log(
      outcome === 'failed' ? 'warn' : 'info',
      `${what}: ${outcome} (${code ?? 'the client went away'})`,
      details,
    );
}
