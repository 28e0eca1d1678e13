import {dirname, join} from 'node:path';
import type {Client, ClientWorld} from '../../clients/client.ts';
import {clients, withoutProtocol} from '../../clients/clients.ts';
import {onPath} from '../../clients/on-path.ts';
import type {Binding} from '../../identity/bindings.ts';
import {absoluteVariable} from '../../places/absolute-variable.ts';
import {printable} from '../../text/printable.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import type {Context, Places} from '../context.ts';
import {homeOf} from '../locate.ts';
import {loadFor} from '../read-configuration.ts';
import {usageError} from '../command-error.ts';

/** Returns what the configurations of tools are made from. */
export async function clientWorld(options: Places, context: Context): Promise<ClientWorld> {
  const loaded = await loadFor(options, context);
  return clientWorldOf(loaded.kind === 'loaded' ? loaded.configuration.bindings : [], context);
}

/** The same for a configuration that is not written yet. */
export function clientWorldOf(bindings: readonly Binding[], context: Context): ClientWorld {
  const {environment, program} = context;
  const home = homeOf(context);
  return {
    environment,
    home,
    scripts: dirname(program.helper),
    links: join(absoluteVariable(environment, 'XDG_DATA_HOME') ?? join(home, '.local/share'), 'orgkey/tools'),
    organizations: bindings
      .filter(({host, identity}) => host === SERVICES_HOST && identity.kind !== 'stored')
      .flatMap(({organizations}) => organizations),
  };
}

/** Returns the tools that are named, or those that are installed. @throws {CommandError} if one does not exist. */
export function chooseClients(names: readonly string[], world: ClientWorld): readonly Client[] {
  if (names.length === 0) return clients.filter((client) => programOf(client, world) !== undefined);
  return names.map((name) => {
    const found = clients.find((client) => client.name === name);
    if (found !== undefined) return found;
    if (withoutProtocol.includes(name))
      throw usageError(
        `${name} cannot ask for a credential`,
        `give it a token: orgkey exec ORGANIZATION -- ${name === 'maven' ? 'mvn' : name} …`,
      );
    throw usageError(
      `unknown tool: ${printable(name, 40)}`,
      `use one of these: ${clients.map((client) => client.name).join(', ')}`,
    );
  });
}

/** Returns the tool's program. `undefined`: it is not installed. */
export function programOf({programs}: Client, {environment}: ClientWorld): string | undefined {
  return programs.map((name) => onPath(name, environment)).find((path) => path !== undefined);
}
