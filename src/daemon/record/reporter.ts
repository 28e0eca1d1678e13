import {describeIdentity} from '../../identity/identity.ts';
import {describeOwner, type SocketScope} from '../../organization/socket-scope.ts';
import {printable} from '../../text/printable.ts';
import type {GrantEvent} from '../../ssh/grant/grants.ts';
import type {Relayed} from '../../ssh/relay/relay.ts';
import type {AuditTrail} from './audit-trail.ts';
import type {Log} from './log.ts';
import {boundedPath, countedFor, issuerRequestOf, outcomeOf} from './report.ts';
import {isFromTool} from '../../protocol/request.ts';
import type {Report} from '../git/respond.ts';
import type {GrantOutcome, Tally} from '../status/tally.ts';

/** Returns a function that counts each answered request, and records it in the log. */
export function createReporter({
  tally,
  logOf,
}: {
  readonly tally: Tally;
  readonly logOf: (scope: SocketScope) => Log;
}): (report: Report) => void {
  return (report) => {
    // the daemon asks its own sockets
    if (report.request?.operation === 'hello') return;
    const outcome = outcomeOf(report);
    tally.count(countedFor(report), outcome, report.duration);
    const {id, request, answer, answered, scope} = report;

    const log = logOf(scope);
    const details = () => ({
      socket: scope.name,
      ...scope.client,
      ...(request !== undefined && isFromTool(request) && {tool: request.tool}),
      organization: answered && describeOwner(answered.owner),
      identity: answered?.choice && describeIdentity(answered.choice.binding.identity),
      source: answered?.source,
      code: answered?.failure?.code,
      id,
      issuerRequest: issuerRequestOf(report),
      ms: Math.round(report.duration * 100) / 100,
    });
    if (answer.kind === 'failure') log('warn', answer.errors.join('; '), details);
    else if (answer.kind === 'deny') log('warn', answer.reason, details);
    else if (request === undefined) log('warn', `a request could not be read${reasonOf(report)}`, details);
    // the user's own ssh runs then, and says nothing of us
    else if (request.operation === 'grant' && answer.kind === 'pass')
      log('info', `ssh: passed to your own ssh${reasonOf(report)}`, () => ({
        ...details(),
        host: printable(request.destination, 300),
        repository: boundedPath(request.command),
      }));
    else log('debug', `${request.operation}: ${answer.kind}${reasonOf(report)}`, details);
  };
}

function reasonOf({answer}: Report): string {
  return 'reason' in answer ? ` (${answer.reason})` : '';
}

/** Returns a function that counts and records the grants of ssh connections, and how they ended. */
export function createGrantReporter({
  tally,
  audit,
  logOf,
  now,
}: {
  readonly tally: Pick<Tally, 'countGrant'>;
  readonly audit: Pick<AuditTrail, 'write'>;
  readonly logOf: (scope: SocketScope) => Log;
  /** Milliseconds since epoch. */
  readonly now: () => number;
}): (event: GrantEvent) => void {
  return (event) => {
    // the answer reports what was passed or denied
    if ('request' in event) return;
    const {id, host, organization, project, repository, fingerprint, scope} = event;
    const socket = scope.name;
    if (event.kind === 'key') {
      const outcome = event.isReplaced ? 'replaced' : 'read';
      audit.write({...at(now), event: 'key', outcome, socket, id, host, organization, fingerprint}, scope);
      logOf(scope)('info', `ssh: the submodule key was ${outcome}`, {host, organization, key: fingerprint});
      return;
    }
    const path = boundedPath(`${project}/${repository}`);
    const outcome = event.kind === 'granted' ? 'granted' : endOf(event.relayed);
    tally.countGrant(event.kind === 'granted' ? 'granted' : countedEnd(event.relayed));
    audit.write(
      {...at(now), event: 'grant', outcome, socket, id, host, organization, path, fingerprint},
      scope,
    );
    logOf(scope)('info', `ssh: ${outcome}`, {
      socket,
      host,
      organization,
      repository: path,
      key: fingerprint,
      id,
    });
  };
}

function at(now: () => number): {readonly time: string} {
  return {time: new Date(now()).toISOString()};
}

function countedEnd(relayed: Relayed | undefined): GrantOutcome {
  if (relayed === undefined) return 'unused';
  return relayed.failure === undefined && relayed.exitCode === 0 ? 'read' : 'failed';
}

function endOf(relayed: Relayed | undefined): string {
  if (relayed === undefined) return 'unused';
  if (relayed.failure !== undefined) return `failed: ${printable(relayed.failure.message, 200)}`;
  return relayed.exitCode === 0 ? 'read' : `ended with ${relayed.exitCode ?? 'git gone'}`;
}
