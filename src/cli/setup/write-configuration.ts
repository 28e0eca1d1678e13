import {chmod, mkdir, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {printable} from '../../text/printable.ts';
import type {ControlConnection} from '../../control/control-client.ts';
import {lowerName} from '../../organization/organization.ts';
import {cannotMake, CONFIGURATION_NAMING} from '../../places/make-directory.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {replaceText} from './change-configuration.ts';
import {describeOwner, describeRuleChange} from './change-rules.ts';
import {OWN_GATEWAY} from './own-gateway.ts';
import type {PlannedConfiguration} from './plan-configuration.ts';

/** Writes the configuration in one step, if there is something to write, and says what was done. */
export async function writeConfiguration(
  {path, was, text, changes, gateway}: PlannedConfiguration,
  {system}: {readonly system: boolean},
  {terminal}: Context,
): Promise<void> {
  if (text === undefined) {
    terminal.say(`configuration: ${printable(path)}`);
    return;
  }
  if (was !== undefined) {
    await replaceText(path, was, text);
    for (const change of changes) terminal.say(describeRuleChange(change, path));
    if (gateway !== undefined)
      terminal.say(`configuration: ${gateway} the gateway ${OWN_GATEWAY} in ${printable(path)}`);
    return;
  }
  const directory = dirname(path);
  const made = await mkdir(directory, {recursive: true, mode: system ? 0o755 : 0o700}).catch((error) => {
    throw cannotMake(directory, error, CONFIGURATION_NAMING);
  });
  // every user's git reads a file there, whatever the umask is
  if (system && made !== undefined) await chmod(directory, 0o755);
  // wx: never over one that was created meanwhile
  await writeFile(path, text, {mode: 0o600, flag: 'wx'});
  terminal.say(`configuration: wrote ${printable(path)}`);
}

/** Makes sure that the daemon uses the change. @throws {CommandError} if it does not. */
export async function requireInForce(
  {path, changes, gateway}: Pick<PlannedConfiguration, 'path' | 'changes' | 'gateway'>,
  daemon: Pick<ControlConnection, 'call'>,
): Promise<void> {
  const {configuration, organizations, gateways} = await daemon.call('status', undefined);
  const refused = (what: string) =>
    new CommandError(
      EXIT.badConfiguration,
      `${printable(path)} was changed, but the daemon does not use the change for ${what}: it uses ${printable(configuration.source, 200)}`,
      {hint: 'run: orgkey doctor'},
    );
  for (const {owner, change} of changes) {
    const isThere = organizations.some(
      ({host, organization}) =>
        host === owner.host &&
        (organization && lowerName(organization)) === (owner.organization && lowerName(owner.organization)),
    );
    if (isThere === (change !== 'removed')) continue;
    throw refused(describeOwner(owner));
  }
  const isServed = gateways.some(({name}) => name === OWN_GATEWAY);
  if (gateway !== undefined && isServed !== (gateway !== 'removed'))
    throw refused(`the gateway ${OWN_GATEWAY}`);
}
