import {SCHEMA_VERSION} from '../../control/control-protocol.ts';
import {describeIdentity} from '../../identity/identity.ts';
import {lowerName} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';
import {readConfiguration} from '../read-configuration.ts';
import {layTable} from '../table.ts';
import {style} from '../terminal.ts';
import {testOrganizations} from '../test-organizations.ts';

/** `orgkey org list`: what is configured, without asking anyone. */
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
  const [titles = '', ...lines] = layTable(
    [
      {title: 'ORGANIZATION', least: 12},
      {title: 'HOST', least: 8},
      {title: 'IDENTITY', least: 12},
      {title: 'RULE', least: 10},
    ],
    rows.map(({host, organization, identity, place}) => [
      printable(organization ?? '(any other)', 60),
      printable(host, 60),
      printable(identity, 60),
      printable(place.slice(place.lastIndexOf('/') + 1), 60),
    ]),
    terminal.columns,
  );
  terminal.print([style('bold', titles), ...lines].join('\n'));
  return EXIT.ok;
}

/** `orgkey org test`: a token for each, from the daemon. */
export async function testEach(
  options: Places & {readonly organization?: string | undefined},
  context: Context,
): Promise<ExitCode> {
  const {bindings} = await readConfiguration(options, context);
  const wanted = options.organization === undefined ? undefined : lowerName(options.organization);
  const chosen = bindings
    .map((binding) => ({
      ...binding,
      organizations: binding.organizations.filter(
        (name) => wanted === undefined || isNamed(name, binding.host, wanted),
      ),
    }))
    .filter(({organizations}) => organizations.length > 0);
  if (chosen.length === 0)
    throw new CommandError(EXIT.usage, 'no organization of that name is configured', {
      hint: 'see: orgkey org list',
    });
  return withDaemon(options, context, (daemon) => testOrganizations(chosen, daemon, context));
}

function isNamed(name: string, host: string, wanted: string): boolean {
  const lowered = lowerName(name);
  return lowered === wanted || (host !== SERVICES_HOST && `${host}/${lowered}` === wanted);
}
