import {ControlHandlers} from '../../control/control-handlers.ts';
import type {Problem} from '../../config/configuration.ts';
import {printable} from '../../text/printable.ts';
import {People} from '../../control/people.ts';
import type {Rejections} from '../../token/rejections.ts';
import type {AuditTrail} from '../record/audit-trail.ts';
import {tokenEntry} from '../record/report.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import type {TokenSupply} from '../supply/token-supply.ts';
import {elapsed} from '../elapsed.ts';
import type {Logging} from './assemble-log.ts';
import type {StatusSide} from './assemble-status.ts';

interface ControlSideParts {
  readonly logging: Logging;
  readonly inForce: ConfigurationInForce;
  readonly supply: TokenSupply;
  readonly rejections: Rejections;
  readonly audit: AuditTrail;
  readonly statusSide: StatusSide;
  readonly reload: () => Promise<readonly Problem[]>;
}

/** Makes what answers the command line. */
export function assembleControl(parts: ControlSideParts): ControlHandlers {
  const {logging, inForce, supply, rejections, audit, statusSide, reload} = parts;
  const {tokens} = supply;
  const bindings = () => inForce.bindings;
  return new ControlHandlers({
    status: statusSide.status,
    reload,
    bindings,
    tokens,
    rejections,
    logLines: logging.logLines,
    metrics: statusSide.metrics,
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
}
