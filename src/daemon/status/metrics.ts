import {type OrganizationStatus, type Status} from '../../control/control-protocol.ts';
import {lowerName} from '../../organization/organization.ts';
import {NOT_ACCEPTED} from '../../token/find-token.ts';
import type {AuditTrail} from '../record/audit-trail.ts';
import type {AcquisitionTally} from './acquisition-tally.ts';
import {BUCKETS} from './durations.ts';
import type {MetricsWriter} from './metrics-writer.ts';
import type {ProcessFacts} from './process-facts.ts';
import {ANY_OTHER, type Tally} from './tally.ts';
import {shownName} from '../../organization/owner.ts';

interface MetricsParts {
  readonly status: Status;
  readonly tally: Tally;
  readonly acquisitions: Pick<AcquisitionTally, 'counts' | 'durations' | 'underWay' | 'renewalFailures'>;
  /** How many credentials Azure DevOps rejected, by organization. */
  readonly rejected: ReadonlyMap<string, number>;
  readonly process: ProcessFacts;
  /** Of git and other clients, now. */
  readonly connections: number;
  readonly audit: Pick<AuditTrail, 'lost' | 'lostInJournal' | 'isFailing'>;
}

/** Writes all metrics in the form of the writer. */
export function writeMetrics(page: MetricsWriter, parts: MetricsParts): void {
  addHealth(page, parts);
  addRequests(page, parts);
  addTokens(page, parts);
  addAcquisitions(page, parts);
  addRejections(page, parts);
  addGateways(page, parts);
  addProcess(page, parts);
}

function addHealth(page: MetricsWriter, {status, audit}: MetricsParts): void {
  const {version, health, configuration} = status;
  page.gauge('orgkey_build_info', 'The version that runs.', [{labels: {version}, value: 1}]);
  page.gauge('orgkey_healthy', 'Whether orgkey status reports no error.', health === 'error' ? 0 : 1);
  page.gauge(
    'orgkey_configuration_valid',
    'Whether the configuration on disk is the one in force.',
    configuration.problems.length === 0 ? 1 : 0,
  );
  page.gauge(
    'orgkey_configuration_last_reload_success_timestamp_seconds',
    'When the configuration in force was read.',
    timestamps([{time: configuration.loadedAt}]),
  );
  page.counter('orgkey_audit_lines_lost_total', 'Audit lines that could not be written.', audit.lost);
  page.counter(
    'orgkey_audit_journal_lines_lost_total',
    'Audit lines that the journal of systemd did not take.',
    audit.lostInJournal,
  );
  page.gauge('orgkey_audit_failing', 'Whether audit lines cannot be written now.', audit.isFailing ? 1 : 0);
}

function addRequests(page: MetricsWriter, {tally, connections}: MetricsParts): void {
  page.counter(
    'orgkey_requests_total',
    'Requests of git, by what they were for and by outcome.',
    Array.from(tally.entries(), ({times, ...labels}) => ({labels, value: times})),
  );
  page.histogram(
    'orgkey_request_duration_seconds',
    'How long answers took, from the end of the request.',
    BUCKETS,
    Array.from(tally.durations, ([outcome, {buckets, sum}]) => ({labels: {outcome}, buckets, sum})),
  );
  page.counter(
    'orgkey_ssh_grants_total',
    'Connections of submodules over SSH, by what became of them.',
    Array.from(tally.grants, ([outcome, value]) => ({labels: {outcome}, value})),
  );
  page.gauge('orgkey_connections', 'Open connections of clients.', connections);
}

function addTokens(page: MetricsWriter, {status: {organizations}}: MetricsParts): void {
  page.gauge(
    'orgkey_token_expiry_timestamp_seconds',
    'When the token in memory expires.',
    timestamps(organizations.map((one) => ({labels: labelsOf(one), time: one.expiresAt}))),
  );
  page.gauge(
    'orgkey_credential_expiry_timestamp_seconds',
    'When the certificate expires with which the token was acquired.',
    timestamps(organizations.map((one) => ({labels: labelsOf(one), time: one.credentialExpiresAt}))),
  );
  page.gauge(
    'orgkey_token_failure',
    'Why an organization has no token, or cannot renew it.',
    organizations.flatMap((one) => {
      const code = one.lastFailure?.code;
      return code === undefined ? [] : {labels: {...labelsOf(one), code}, value: 1};
    }),
  );
}

function addAcquisitions(page: MetricsWriter, {acquisitions}: MetricsParts): void {
  page.counter(
    'orgkey_acquisitions_total',
    'Requests to issuers and to programs that print secrets.',
    Array.from(acquisitions.counts, ({times, ...labels}) => ({labels, value: times})),
  );
  page.histogram(
    'orgkey_acquisition_duration_seconds',
    'How long issuers and programs took.',
    BUCKETS,
    Array.from(acquisitions.durations, ([kind, {buckets, sum}]) => ({labels: {kind}, buckets, sum})),
  );
  page.gauge(
    'orgkey_acquisitions_under_way',
    'Requests to issuers and programs that wait for an answer.',
    acquisitions.underWay,
  );
  page.counter(
    'orgkey_token_renewal_failures_total',
    'Failed renewals of tokens that still lived.',
    Array.from(acquisitions.renewalFailures, ([kind, value]) => ({labels: {kind}, value})),
  );
}

/** Organizations that are covered by a fallback share a count: clients can invent names. */
function addRejections(page: MetricsWriter, {status: {organizations}, rejected}: MetricsParts): void {
  const named = new Map(organizations.map((one) => [lowerName(shownName(one)), labelsOf(one)]));
  const counts = new Map<string, {readonly labels: Record<string, string>; value: number}>();
  for (const [owner, times] of rejected) {
    const {host = '*', organization = ANY_OTHER} = named.get(owner) ?? {};
    const entry = counts.get(`${host} ${organization}`) ?? {labels: {host, organization}, value: 0};
    counts.set(`${host} ${organization}`, entry);
    entry.value += times;
  }
  page.counter(
    'orgkey_credential_rejected_total',
    'Credentials that git reported as rejected by Azure DevOps.',
    counts.values(),
  );
  page.gauge(
    'orgkey_credential_rejected',
    'Whether Azure DevOps rejected the last credential.',
    organizations.map((one) => ({
      labels: labelsOf(one),
      value: one.lastFailure?.code === NOT_ACCEPTED ? 1 : 0,
    })),
  );
}

function addGateways(page: MetricsWriter, {status: {gateways}}: MetricsParts): void {
  page.counter(
    'orgkey_gateway_requests_total',
    'Requests that a gateway carried, denied or could not carry.',
    gateways.flatMap(({name, requests}) =>
      OUTCOMES.map((outcome) => ({labels: {gateway: name, outcome}, value: requests[outcome]})),
    ),
  );
  page.gauge(
    'orgkey_gateway_requests_under_way',
    'Requests that are being carried.',
    gateways.map(({name, requests}) => ({labels: {gateway: name}, value: requests.underWay})),
  );
  page.counter(
    'orgkey_gateway_bytes_total',
    'Bytes of bodies, to and from Azure DevOps.',
    gateways.flatMap(({name, bytes: {sent, received}}) => [
      {labels: {gateway: name, direction: 'sent'}, value: sent},
      {labels: {gateway: name, direction: 'received'}, value: received},
    ]),
  );
}

const OUTCOMES = ['carried', 'denied', 'failed'] as const;

function addProcess(page: MetricsWriter, {status, process}: MetricsParts): void {
  const {residentBytes, cpuSeconds, busySeconds, openFiles, mostFiles} = process;
  page.gauge('process_resident_memory_bytes', 'Memory of the daemon.', residentBytes);
  page.counter('process_cpu_seconds_total', 'Time of the processor that the daemon used.', cpuSeconds);
  page.counter(
    'orgkey_event_loop_active_seconds_total',
    'For how long the daemon was busy. Close to 1 per second: it cannot keep up.',
    busySeconds,
  );
  page.gauge(
    'process_open_fds',
    'Open files and connections of the daemon.',
    openFiles === undefined ? [] : openFiles,
  );
  page.gauge('process_max_fds', 'How many it may have open.', Number.isFinite(mostFiles) ? mostFiles : []);
  page.gauge(
    'process_start_time_seconds',
    'When the daemon started.',
    timestamps([{time: status.startedAt}]),
  );
}

function labelsOf({host, organization, kind}: OrganizationStatus): Record<string, string> {
  return {host, organization: organization === undefined ? ANY_OTHER : lowerName(organization), kind};
}

interface Moment {
  readonly labels?: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly time: string | undefined;
}

function timestamps(
  moments: readonly Moment[],
): {readonly labels: Moment['labels']; readonly value: number}[] {
  return moments.flatMap(({labels, time}) =>
    time === undefined ? [] : {labels, value: Date.parse(time) / 1000},
  );
}
