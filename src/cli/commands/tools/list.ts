import {clients, withoutProtocol} from '../../../clients/clients.ts';
import {lookAtClient} from '../../../clients/look-at-client.ts';
import {readClients} from '../../../clients/manifest.ts';
import {SCHEMA_VERSION} from '../../../control/control-protocol.ts';
import {printable} from '../../../text/printable.ts';
import {clientWorld, programOf} from '../../clients/client-world.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {setupDirectory} from '../../locate.ts';
import {printTable} from '../../table.ts';

export async function listTools(
  options: Places & {readonly json: boolean},
  context: Context,
): Promise<ExitCode> {
  const world = await clientWorld(options, context);
  const records = await readClients(setupDirectory(options, context));
  const tools = [];
  for (const client of clients) {
    const {name, state, problems, rivals, files} = await lookAtClient(client, world, records);
    tools.push({name, program: programOf(client, world), state, problems, rivals, files});
  }
  const {terminal} = context;
  if (options.json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, tools});
    return EXIT.ok;
  }
  printTable(
    COLUMNS,
    tools.map(({name, program, state, problems, rivals}) => [
      name,
      state,
      program === undefined ? '(not installed)' : printable(program, 100),
      printable([...problems, ...rivals.map((rival) => `${rival} would win`)].join('; '), 300),
    ]),
    terminal,
  );
  terminal.hint(`give ${withoutProtocol.join(', ')} and others a token: orgkey exec ORGANIZATION -- COMMAND`);
  return EXIT.ok;
}

const COLUMNS = [
  {title: 'TOOL', least: 6},
  {title: 'STATE', least: 12},
  {title: 'PROGRAM', least: 14},
  {title: 'NOTES', least: 14},
] as const;
