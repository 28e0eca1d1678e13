import type {Status} from '../../control/control-protocol.ts';
import {shownVariables} from '../../network/shown-variables.ts';
import {VERSION} from '../../version.ts';
import type {GatewaySide} from '../gateway/gateway-side.ts';
import type {ClockWatch} from '../status/clock-watch.ts';
import {writeMetrics} from '../status/metrics.ts';
import type {MetricsWriter} from '../status/metrics-writer.ts';
import {updateNotices} from '../status/notices.ts';
import {processFacts} from '../status/process-facts.ts';
import type {SideServers} from '../status/side-servers.ts';
import {statusOf} from '../status/status.ts';
import type {Tally} from '../status/tally.ts';
import type {Rejections} from '../../token/rejections.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import type {TokenSupply} from '../supply/token-supply.ts';
import type {GitSide} from './assemble-git.ts';

export interface StatusParts {
  /** Milliseconds since epoch. */
  readonly startedAt: number;
  readonly side: SideServers;
  readonly environment: NodeJS.ProcessEnv;
  readonly inForce: ConfigurationInForce;
  readonly supply: TokenSupply;
  readonly rejections: Rejections;
  readonly git: GitSide;
  readonly gateways: GatewaySide;
  readonly tally: Tally;
  readonly clockWatch: ClockWatch;
}

/** What the daemon reports about itself. */
interface StatusSide {
  readonly status: () => Status;
  /** Writes the metrics of now. */
  readonly measure: (writer: MetricsWriter) => void;
}

export function assembleStatus(parts: StatusParts): StatusSide {
  const {startedAt, side, environment, inForce, supply, rejections, git, gateways, tally, clockWatch} = parts;
  const variables = shownVariables(environment);
  const status = (): Status =>
    statusOf({
      version: VERSION,
      pid: process.pid,
      startedAt,
      inForce,
      tokens: supply.tokens,
      now: Date.now(),
      rejections,
      tally,
      sockets: git.sockets.all,
      gateways: gateways.all,
      notices: [
        ...git.guard.notices,
        ...gateways.notices,
        ...supply.store.notices,
        ...clockWatch.notices,
        ...side.notices,
        ...git.audit.notices,
        ...updateNotices(supply.program),
      ],
      residentBytes: process.memoryUsage.rss(),
      clockSkew: clockWatch.skew,
      environment: variables,
    });
  return {status, measure: (writer) => measure(writer, status(), parts)};
}

function measure(writer: MetricsWriter, status: Status, {tally, supply, git, rejections}: StatusParts): void {
  writeMetrics(writer, {
    status,
    tally,
    acquisitions: supply.acquisitions,
    process: processFacts(),
    connections: git.sockets.connections,
    audit: git.audit,
    rejected: rejections.organizations.totals,
  });
}
