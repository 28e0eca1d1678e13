import {describeIdentity, type Identity} from '../../identity/identity.ts';
import {feedAt, nameOfFeed} from '../../organization/feed.ts';
import {nameOf} from '../../organization/socket-scope.ts';
import {isFromTool, type Request} from '../../protocol/request.ts';
import {printable} from '../../text/printable.ts';
import type {Token} from '../../token/token.ts';
import type {AuditEntry} from './audit-entry.ts';
import type {HandOut} from '../../control/control-handlers.ts';
import {ANY_OTHER, type Counted, type Outcome} from '../status/tally.ts';
import type {Report} from '../git/respond.ts';

export function outcomeOf({request, answer}: Report): Outcome {
  if (request === undefined) return 'malformed';
  switch (answer.kind) {
    case 'credential':
    case 'login':
    case 'grant':
      return 'served';
    case 'failure':
      return request.operation === 'erase' ? 'erased' : 'failed';
    case 'deny':
      return 'failed';
    case 'done':
      return request.operation === 'erase' ? 'erased' : 'stored';
    case 'pass':
    case 'hello':
      return 'passed';
  }
}

/** Returns under what a request counts. Clients can invent hosts and organizations, so only configured ones are named. */
export function countedFor({answered, scope}: Report): Counted {
  const choice = answered?.choice;
  const socket = scope.name;
  if (answered === undefined || choice === undefined) return {host: '', organization: '', socket, kind: ''};
  const {host, identity} = choice.binding;
  const organization = choice.by === 'name' ? (nameOf(answered.owner) ?? '') : ANY_OTHER;
  return {host, organization, socket, kind: identity.kind};
}

/** Returns the entry for the audit. `undefined`: the request is not for the audit. */
export function auditEntryOf(report: Report, time: number): AuditEntry | undefined {
  const {id, request, answer, answered, scope, duration} = report;
  if (!isRecorded(request) || !isOurBusiness(report)) return undefined;
  return {
    time: requestTimes.of(time),
    event: request.operation,
    outcome: answer.kind,
    socket: scope.name,
    id,
    organization: answered && nameOf(answered.owner),
    ...placeOf(request),
    ...toolFields(report),
    ...identityFields(answered?.choice?.binding.identity),
    source: answered?.source,
    ...tokenFields(answer.kind === 'credential' ? answer.token : undefined),
    issuerRequest: issuerRequestOf(report),
    reason: 'reason' in answer ? answer.reason : answered?.failure?.code,
    duration: inMicroseconds(duration),
  };
}

/** Returns the name under which the issuer was asked for the token, or denied it. */
export function issuerRequestOf({answer, answered}: Report): string | undefined {
  return answer.kind === 'credential' ? answer.token.issuerRequest : answered?.failure?.issuerRequest;
}

type RecordedRequest = Exclude<Request, {operation: 'hello' | 'ignored'}>;

function isRecorded(request: Request | undefined): request is RecordedRequest {
  return request !== undefined && request.operation !== 'hello' && request.operation !== 'ignored';
}

function isOurBusiness({answer, answered}: Report): boolean {
  if (answer.kind === 'pass' && answered?.owner.kind === 'elsewhere') return false;
  // grants are reported when they are given and when they end
  return answer.kind !== 'grant';
}

function placeOf(request: RecordedRequest): Pick<AuditEntry, 'host' | 'path'> {
  if (!('remote' in request))
    return {host: printable(request.destination, 300), path: boundedPath(request.command)};
  const {host, path} = request.remote;
  return {host: printable(host, 300), path: path && boundedPath(path)};
}

function toolFields({request, answered}: Report): Pick<AuditEntry, 'tool' | 'feed'> {
  if (request === undefined || !isFromTool(request)) return {};
  const feed = answered && feedAt(request.remote, answered.owner);
  return {tool: request.tool, feed: feed && boundedPath(nameOfFeed(feed))};
}

function identityFields(identity: Identity | undefined): Pick<AuditEntry, 'identity' | 'kind'> {
  return {identity: identity && describeIdentity(identity), kind: identity?.kind};
}

function tokenFields(token: Token | undefined): Pick<AuditEntry, 'fingerprint' | 'expires'> {
  const expiresAt = token?.expiresAt;
  return {
    fingerprint: token?.fingerprint,
    expires: expiresAt === undefined ? undefined : expiryTimes.of(expiresAt),
  };
}

/** Returns the entry for a token that was requested over the control channel. */
export function tokenEntry({id, organization, identity, found, duration}: HandOut, time: number): AuditEntry {
  return {
    time: new Date(time).toISOString(),
    event: 'token',
    outcome: found.kind,
    socket: 'control',
    id,
    organization: printable(organization, 300),
    ...identityFields(identity),
    source: found.kind === 'token' ? found.source : undefined,
    ...tokenFields(found.kind === 'token' ? found.token : undefined),
    issuerRequest: (found.kind === 'failed' ? found.failure : found.token).issuerRequest,
    reason: found.kind === 'failed' ? found.failure.code : undefined,
    duration: inMicroseconds(duration),
  };
}

/** In bytes. The names of projects and repositories can have 64 letters each, of any script. */
const LONGEST_PATH = 512;

/** Returns a printable path of bounded length. The client chooses it, and escapes make it longer. */
export function boundedPath(path: string): string {
  const shown = printable(path);
  // a code unit takes three bytes at most
  if (shown.length * 3 <= LONGEST_PATH) return shown;
  const bytes = Buffer.from(shown);
  return bytes.length <= LONGEST_PATH ? shown : `${bytes.subarray(0, LONGEST_PATH).toString()}…`;
}

/** Formats times of which the same one comes many times in a row. */
class RepeatedTime {
  #last = NaN;
  #text = '';

  /** Milliseconds since epoch. */
  of(time: number): string {
    if (time === this.#last) return this.#text;
    this.#last = time;
    this.#text = new Date(time).toISOString();
    return this.#text;
  }
}

const requestTimes = new RepeatedTime();
const expiryTimes = new RepeatedTime();

/** Rounds milliseconds to microseconds. */
function inMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
