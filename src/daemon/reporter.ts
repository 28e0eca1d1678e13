import {describeIdentity} from '../identity/identity.ts';
import {describeOwner} from '../organization/socket-scope.ts';
import type {Audit} from './audit.ts';
import type {Log} from './log.ts';
import {auditEntryOf, countedFor, outcomeOf} from './report.ts';
import type {Report} from './respond.ts';
import type {Tally} from './tally.ts';

/** Counts each answered request, and writes it down where it matters. */
export function createReporter({
  tally,
  audit,
  log,
  now,
}: {
  readonly tally: Tally;
  readonly audit: Pick<Audit, 'write'>;
  readonly log: Log;
  /** Milliseconds since epoch. */
  readonly now: () => number;
}): (report: Report) => void {
  return (report) => {
    const outcome = outcomeOf(report);
    tally.count(countedFor(report), outcome, report.duration);
    const entry = auditEntryOf(report, now());
    if (entry) audit.write(entry);

    const {request, answer, answered, scope} = report;
    const details = {
      socket: scope.name,
      organization: answered && describeOwner(answered.owner),
      identity: answered?.choice && describeIdentity(answered.choice.binding.identity),
      source: answered?.source,
      ms: Math.round(report.duration * 100) / 100,
    };
    if (answer.kind === 'failure') log('warn', answer.errors.join('; '), details);
    else if (answer.kind === 'deny') log('warn', answer.reason, details);
    else if (request === undefined) log('warn', `a request was not read: ${reasonOf(report)}`, details);
    else log('debug', `${request.operation}: ${answer.kind}${reasonOf(report)}`, details);
  };
}

function reasonOf({answer}: Report): string {
  return 'reason' in answer && answer.reason !== undefined ? ` (${answer.reason})` : '';
}
