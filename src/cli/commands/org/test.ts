import {lowerName} from '../../../organization/organization.ts';
import {SERVICES_HOST} from '../../../organization/owner.ts';
import {printable} from '../../../text/printable.ts';
import {CommandError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {withDaemon} from '../../find-daemon.ts';
import {readConfiguration} from '../../read-configuration.ts';
import {testOrganizations} from '../../test-organizations.ts';

/** Runs `orgkey org test`: the daemon gets a token for each organization. */
export async function testEach(
  {organization, ...places}: Places & {readonly organization?: string | undefined},
  context: Context,
): Promise<ExitCode> {
  const {bindings} = await readConfiguration(places, context);
  const chosen = bindings
    .map((binding) => ({
      ...binding,
      organizations: binding.organizations.filter(
        (name) => organization === undefined || isNamed(name, binding.host, lowerName(organization)),
      ),
    }))
    .filter(({organizations}) => organizations.length > 0);
  if (chosen.length === 0)
    throw new CommandError(
      EXIT.usage,
      organization === undefined
        ? 'no organization is configured by name'
        : `${printable(organization, 60)} is not configured`,
      {hint: 'run: orgkey org list'},
    );
  return withDaemon(places, context, (daemon) => testOrganizations(chosen, daemon, context));
}

function isNamed(name: string, host: string, wanted: string): boolean {
  const lowered = lowerName(name);
  return lowered === wanted || (host !== SERVICES_HOST && `${host}/${lowered}` === wanted);
}
