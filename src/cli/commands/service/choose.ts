import {describeChange, type Change} from '../../../service/change.ts';
import type {Service} from '../../../service/service.ts';
import {printable} from '../../../text/printable.ts';
import {CommandError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT} from '../../exit-code.ts';
import {configurationFile, nameForService, setupDirectories} from '../../locate.ts';
import {loadFor} from '../../read-configuration.ts';
import {serviceSockets} from '../../../service/service-sockets.ts';
import {serviceFor, serviceKind} from '../../setup/choose-service.ts';
import {recallFirst} from '../../setup/remember-service.ts';

export interface ServiceOptions extends Places {
  readonly system: boolean;
  readonly service: string;
}

interface Chosen {
  readonly service: Service;
  /** Absolute. `undefined`: the daemon finds it. */
  readonly configFile: string | undefined;
}

/**
 * Chooses the service that the options name, that was set up, or that is installed. `fallback` decides if there is
 * none: a plain one, or the one that fits this machine.
 * @throws {CommandError} if orgkey was set up without a service.
 */
export async function chooseExisting(
  options: ServiceOptions,
  context: Context,
  fallback: 'plain' | 'fitting' = 'plain',
): Promise<Chosen> {
  const remembered = await recallFirst(setupDirectories(options, context));
  const kind = serviceKind(options.service, options.system) ?? remembered?.kind;
  if (kind === 'none')
    throw new CommandError(EXIT.notRunning, 'orgkey was set up without a service', {
      hint: 'start the daemon yourself: orgkey daemon',
    });
  const found = configurationFile(options, context);
  const configFile =
    options.config === undefined && remembered !== undefined
      ? remembered.configFile
      : found && nameForService(found, options, context);
  const loaded = await loadFor({...options, config: configFile}, context);
  // problems of the configuration are reported by the daemon
  const sockets = loaded.kind === 'loaded' ? serviceSockets(loaded.configuration.settings) : [];
  const service = await serviceFor({kind, configFile, sockets}, options, context);
  if (kind !== undefined || fallback === 'fitting' || (await service.status()).installed)
    return {service, configFile};
  return {service: await serviceFor({kind: 'plain', configFile, sockets}, options, context), configFile};
}

export function reportChanges(
  {kind}: Service,
  changes: readonly Change[],
  result: string,
  {terminal}: Context,
): void {
  // commands are long, and say nothing that the result does not
  for (const change of changes)
    if (change.kind !== 'run') terminal.say(`  ${printable(describeChange(change))}`);
  terminal.say(`service: ${kind}, ${result}`);
}
