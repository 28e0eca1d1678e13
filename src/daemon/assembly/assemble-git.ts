import {createHmac} from 'node:crypto';
import type {Socket} from 'node:net';
import type {AnswerParts} from '../../answer/answer.ts';
import {shareOf, type SocketScope} from '../../organization/socket-scope.ts';
import {machineDirectory} from '../../places/paths.ts';
import {Grants} from '../../ssh/grant/grants.ts';
import {readTrustedHosts} from '../../ssh/host/trusted-hosts.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import type {Rejections} from '../../token/rejections.ts';
import {VERSION} from '../../version.ts';
import {serveConnection} from '../git/connection.ts';
import {Crowd, descriptorLimit} from '../git/crowd.ts';
import {GitSockets} from '../git/git-sockets.ts';
import {GrantPlaces} from '../git/grant-places.ts';
import type {AskPeer} from '../git/peer-credentials.ts';
import {respond, type Report, type RespondParts} from '../git/respond.ts';
import {elapsed} from '../elapsed.ts';
import {IdleWatch} from '../idle-watch.ts';
import type {Place} from '../place.ts';
import {AuditTrail} from '../record/audit-trail.ts';
import {auditEntryOf} from '../record/report.ts';
import {createGrantReporter, createReporter} from '../record/reporter.ts';
import {shareLog} from '../record/share-log.ts';
import {SocketGuard} from '../socket-guard.ts';
import {startTimer} from '../../start-timer.ts';
import type {Tally} from '../status/tally.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import {patientTokens} from '../supply/patient-tokens.ts';
import type {TokenSupply} from '../supply/token-supply.ts';
import {verifyToken} from '../supply/verify-token.ts';
import type {Logging} from './assemble-log.ts';

interface GitParts {
  readonly place: Place;
  readonly environment: NodeJS.ProcessEnv;
  /** The sockets that systemd passed: file descriptors by name. */
  readonly inherited: ReadonlyMap<string, number>;
  /** Random bytes of this process. */
  readonly key: Uint8Array;
  readonly askPeer: AskPeer;
  readonly logging: Logging;
  readonly inForce: ConfigurationInForce;
  readonly supply: TokenSupply;
  readonly rejections: Rejections;
  readonly tally: Tally;
  /** Answers a request for the password of a gateway. */
  readonly gateway: RespondParts['gateway'];
}

/** Everything that answers git, and keeps a record of it. */
export interface GitSide {
  readonly audit: AuditTrail;
  readonly grants: Grants;
  readonly idle: IdleWatch;
  readonly sockets: GitSockets;
  readonly guard: SocketGuard;
  /** What requests are answered by at this moment. */
  readonly current: (id?: string) => AnswerParts;
  readonly proofOf: (nonce: string) => string;
}

/** Makes what answers git. Nothing is opened yet. */
export function assembleGit(parts: GitParts): GitSide {
  const {place, inherited, logging, inForce, tally} = parts;
  const {directory} = place;
  const {log} = logging;
  const audit = assembleAudit(parts);
  const logOf = shareLog(log, startTimer);
  const places = new GrantPlaces(directory);
  const reportGrant = createGrantReporter({tally, audit, logOf, now: Date.now});
  const grants = assembleGrants(parts, places, reportGrant);
  const idle = new IdleWatch(elapsed);
  const proofOf = prover(parts.key);
  const current = answersBy(parts);
  const answering: RespondParts = {
    current,
    gateway: parts.gateway,
    grant: (request, scope, id) => grants.answer(request, scope, id),
    hello: (nonce) => ({kind: 'hello', version: VERSION, pid: process.pid, proof: proofOf(nonce)}),
    record: (report) => recordIn(audit, report),
    report: noting(idle, createReporter({tally, logOf})),
    onUnexpected: logging.onUnexpected,
    now: elapsed,
  };
  const serve = server(answering, parts.askPeer);
  const sockets = new GitSockets({directory, inherited, places, serve, proofOf});
  const manager = directory === machineRuntimeDirectory ? 'system' : 'user';
  const guard = new SocketGuard({inForce, sockets, log, manager});
  return {audit, grants, idle, sockets, guard, current, proofOf};
}

/** Writes what an answer hands out into the audit. */
function recordIn(audit: AuditTrail, report: Report): ReturnType<AuditTrail['record']> {
  const {answer, scope} = report;
  const entry = auditEntryOf(report, Date.now());
  // a grant was written when it was given
  return entry === undefined && answer.kind !== 'grant' ? undefined : audit.record(entry, scope);
}

const machineRuntimeDirectory = '/run/orgkey';

function assembleAudit({place, inForce, logging}: GitParts): AuditTrail {
  return new AuditTrail({
    state: place.state,
    settings: () => inForce.configuration.settings.audit,
    log: logging.log,
    after: startTimer,
    now: Date.now,
  });
}

function assembleGrants(
  {place, environment, inForce, supply}: GitParts,
  places: GrantPlaces,
  report: ReturnType<typeof createGrantReporter>,
): Grants {
  return new Grants({
    settings: () => inForce.configuration.settings,
    placeOf: (scope) => places.placeFor(scope),
    readSecret: (source) => supply.readSource(source),
    readTrustedHosts: async () => (await readTrustedHosts([place.state, machineDirectory])).text,
    environment,
    startTimer,
    report,
  });
}

/**
 * Returns the function that proves who we are. The key also names tokens in the log, so the prefix keeps a client from
 * learning the name of a token that it guesses.
 */
function prover(key: Uint8Array): (nonce: string) => string {
  return function proofOf(nonce) {
    return createHmac('sha256', key).update(`hello ${nonce}`).digest('hex');
  };
}

/** Returns what requests are answered by: the configuration in force at that moment. */
function answersBy({environment, inForce, supply, rejections}: GitParts): GitSide['current'] {
  const tokens = patientTokens(supply.tokens, TIME_BUDGET.patience);
  const {logins} = supply;
  const verify: AnswerParts['verify'] = (rejected, token) => verifyToken(rejected, token, environment);
  return function current(id) {
    const {bindings, configuration, reasonForNone} = inForce;
    const {onFailure} = configuration.settings;
    return {bindings, tokens, rejections, verify, logins, onFailure, reasonForNone, id};
  };
}

/** Returns what reports an answer, and notes that git asked. Our own `hello` does not count. */
function noting(idle: IdleWatch, report: (report: Report) => void): (report: Report) => void {
  return function noteAndReport(answered) {
    if (answered.request?.operation !== 'hello') idle.note();
    report(answered);
  };
}

/** Returns what serves the connections of each socket. All scoped sockets share one limit. */
function server(parts: RespondParts, askPeer: AskPeer): (scope: SocketScope) => (socket: Socket) => void {
  const descriptors = descriptorLimit();
  const main = new Crowd('main', descriptors);
  const scoped = new Crowd('scoped', descriptors);
  return function serveScope(scope) {
    const crowd = scope.organizations === undefined ? main : scoped;
    return function serveClient(socket) {
      const client = askPeer(socket);
      const from = client === undefined ? scope : {...scope, client};
      crowd.enter(shareOf(from), socket);
      serveConnection(socket, (bytes) => respond(bytes, from, parts));
    };
  };
}
