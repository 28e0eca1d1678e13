import {SCHEMA_VERSION} from '../../../control/control-protocol.ts';
import {printable} from '../../../text/printable.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {withDaemon} from '../../find-daemon.ts';
import {printTable} from '../../table.ts';

export async function listGateways(
  options: Places & {readonly json: boolean},
  context: Context,
): Promise<ExitCode> {
  const {gateways} = await withDaemon(options, context, (daemon) => daemon.call('status', undefined));
  const {terminal} = context;
  if (options.json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, gateways});
    return EXIT.ok;
  }
  if (gateways.length === 0) {
    terminal.print('no gateway is configured');
    return EXIT.ok;
  }
  printTable(
    COLUMNS,
    gateways.map(({name, repositories, push, listen, path}) => [
      printable(name, 40),
      printable(repositories.join(' '), 200),
      printable(push.join(' ') || '(fetch only)', 200),
      printable(listen ?? path, 200),
    ]),
    terminal,
  );
  return EXIT.ok;
}

const COLUMNS = [
  {title: 'GATEWAY', least: 8},
  {title: 'REPOSITORIES', least: 14},
  {title: 'PUSH', least: 12},
  {title: 'PLACE', least: 14},
] as const;
