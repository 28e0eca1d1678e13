import {SCHEMA_VERSION} from '../../../control/control-protocol.ts';
import {printable} from '../../../text/printable.ts';
import type {Context} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {chooseExisting, type ServiceOptions} from './choose.ts';

export async function showStatus(
  options: ServiceOptions & {readonly json: boolean},
  context: Context,
): Promise<ExitCode> {
  const {service} = await chooseExisting(options, context);
  const {hint, ...status} = await service.status();
  const {terminal} = context;
  if (options.json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, kind: service.kind, ...status});
  } else {
    const pid = status.pid === undefined ? '' : `, pid ${status.pid}`;
    const reason = status.reason === undefined ? '' : `: ${printable(status.reason)}`;
    const installed = status.installed ? '' : ', not installed';
    terminal.print(`${service.kind}: ${status.state}${pid}${installed}${reason}`);
    if (hint !== undefined) terminal.hint(printable(hint));
  }
  return status.state === 'running' || status.state === 'listening' ? EXIT.ok : EXIT.notRunning;
}
