import type {Status} from '../../control/control-protocol.ts';
import {BUCKETS, type Tally} from './tally.ts';

/** Renders the metrics in Prometheus' text format, version 0.0.4. */
export function renderMetrics(status: Status, tally: Tally, now: number): string {
  const {buckets, sum} = tally.durations;
  let below = 0;
  const histogram = buckets.map((times, at) => {
    below += times;
    return `orgkey_request_seconds_bucket{le="${BUCKETS[at] ?? '+Inf'}"} ${below}`;
  });
  const lines = [
    '# HELP orgkey_build_info The version that runs.',
    '# TYPE orgkey_build_info gauge',
    `orgkey_build_info{version="${label(status.version)}"} 1`,
    '# HELP orgkey_configuration_valid Whether the configuration on disk is the one in force.',
    '# TYPE orgkey_configuration_valid gauge',
    `orgkey_configuration_valid ${status.configuration.problems.length === 0 ? 1 : 0}`,
    '# HELP orgkey_requests_total Requests of git, by organization and outcome.',
    '# TYPE orgkey_requests_total counter',
    ...Array.from(
      tally.entries(),
      ({outcome, organization, times}) =>
        `orgkey_requests_total{organization="${label(organization)}",outcome="${outcome}"} ${times}`,
    ),
    '# HELP orgkey_request_seconds How long served requests took.',
    '# TYPE orgkey_request_seconds histogram',
    ...histogram,
    `orgkey_request_seconds_sum ${sum}`,
    `orgkey_request_seconds_count ${below}`,
    '# HELP orgkey_token_expiry_seconds How long the token in memory still lives.',
    '# TYPE orgkey_token_expiry_seconds gauge',
    ...status.organizations.flatMap(({host, organization, expiresAt}) =>
      expiresAt === undefined
        ? []
        : `orgkey_token_expiry_seconds{organization="${label(organization ?? `${host} *`)}"} ${Math.round((expiresAt - now) / 1000)}`,
    ),
    '# HELP orgkey_token_failure Why a fresh token is missing.',
    '# TYPE orgkey_token_failure gauge',
    ...status.organizations.flatMap(({host, organization, lastFailure}) =>
      lastFailure === undefined
        ? []
        : `orgkey_token_failure{organization="${label(organization ?? `${host} *`)}",code="${label(lastFailure.code)}"} 1`,
    ),
    '# HELP orgkey_resident_bytes Memory of the daemon.',
    '# TYPE orgkey_resident_bytes gauge',
    `orgkey_resident_bytes ${status.memory.residentBytes}`,
  ];
  return `${lines.join('\n')}\n`;
}

function label(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
