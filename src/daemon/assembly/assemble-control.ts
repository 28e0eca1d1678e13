import {ControlHandlers} from '../../control/control-handlers.ts';
import type {Problem} from '../../config/configuration.ts';
import {printable} from '../../text/printable.ts';
import {People} from '../../control/people.ts';
import type {AuditTrail} from '../record/audit-trail.ts';
import {tokenEntry} from '../record/report.ts';
import {elapsed} from '../elapsed.ts';
import type {Logging} from './assemble-log.ts';
import {Exposition} from '../status/exposition.ts';
import type {MetricsWriter} from '../status/metrics-writer.ts';
import {assembleStatus, type StatusParts} from './assemble-status.ts';

interface ControlSideParts extends StatusParts {
  readonly logging: Logging;
  readonly audit: AuditTrail;
  readonly reload: () => Promise<readonly Problem[]>;
}

/** What the command line and monitoring ask. */
interface ControlSide {
  readonly handlers: ControlHandlers;
  /** In Prometheus' form. */
  readonly metrics: () => string;
  readonly measure: (writer: MetricsWriter) => void;
}

/** Makes what answers the command line. It is loaded after git's first answer. */
export function assembleControl(parts: ControlSideParts): ControlSide {
  const {logging, inForce, supply, rejections, audit, reload} = parts;
  const {status, measure} = assembleStatus(parts);
  const metrics = () => {
    const page = new Exposition();
    measure(page);
    return page.text;
  };
  const {tokens} = supply;
  const bindings = () => inForce.bindings;
  const handlers = new ControlHandlers({
    status,
    reload,
    bindings,
    tokens,
    rejections,
    logLines: logging.logLines,
    metrics,
    people: new People({bindings, tokens, rejections, ...supply.people}),
    record: (handOut) => audit.record(tokenEntry(handOut, Date.now())),
    flush: () => audit.settle(),
    changed: ({organization, identity, ...change}) =>
      audit.note({
        ...change,
        socket: 'control',
        organization: organization && printable(organization, 300),
        identity: identity && printable(identity, 300),
      }),
    now: elapsed,
  });
  return {handlers, metrics, measure};
}
