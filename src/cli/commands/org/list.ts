import {SCHEMA_VERSION} from '../../../control/control-protocol.ts';
import {describeIdentity} from '../../../identity/identity.ts';
import {printable} from '../../../text/printable.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {readConfiguration} from '../../read-configuration.ts';
import {printTable} from '../../table.ts';

/** Runs `orgkey org list`: prints what is configured, without a request to anything. */
export async function listOrganizations(
  options: Places & {readonly json: boolean},
  context: Context,
): Promise<ExitCode> {
  const {bindings} = await readConfiguration(options, context);
  const {terminal} = context;
  const rows = bindings.flatMap(({identity, host, organizations, place}) =>
    (organizations.length === 0 ? [undefined] : organizations).map((organization) => ({
      host,
      organization,
      identity: describeIdentity(identity),
      kind: identity.kind,
      place,
    })),
  );
  if (options.json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, organizations: rows});
    return EXIT.ok;
  }
  printTable(
    COLUMNS,
    rows.map(({host, organization, identity, place}) => [
      printable(organization ?? '(any other)', 60),
      printable(host, 60),
      printable(identity, 60),
      printable(place.slice(place.lastIndexOf('/') + 1), 60),
    ]),
    terminal,
  );
  return EXIT.ok;
}

const COLUMNS = [
  {title: 'ORGANIZATION', least: 12},
  {title: 'HOST', least: 8},
  {title: 'IDENTITY', least: 12},
  {title: 'RULE', least: 10},
] as const;
