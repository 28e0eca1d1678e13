import {chmod, mkdir, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {printable} from '../../text/printable.ts';
import type {ControlConnection} from '../../control/control-client.ts';
import {lowerName} from '../../organization/organization.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {replaceText} from './change-configuration.ts';
import {describeOwner, describeRuleChange, type RuleChange} from './change-rules.ts';
import type {PlannedConfiguration} from './plan-configuration.ts';

/** Writes the configuration in one step, if there is something to write, and says what was done. */
export async function writeConfiguration(
  {path, was, text, changes}: PlannedConfiguration,
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
    return;
  }
  const made = await mkdir(dirname(path), {recursive: true, mode: system ? 0o755 : 0o700});
  // every user's git reads a file there, whatever the umask is
  if (system && made !== undefined) await chmod(dirname(path), 0o755);
  // wx: never over one that was created meanwhile
  await writeFile(path, text, {mode: 0o600, flag: 'wx'});
  terminal.say(`configuration: wrote ${printable(path)}`);
}

/** Makes sure that the daemon uses the change. @throws {CommandError} if it does not. */
export async function requireInForce(
  path: string,
  changes: readonly RuleChange[],
  daemon: Pick<ControlConnection, 'call'>,
): Promise<void> {
  const {configuration, organizations} = await daemon.call('status', undefined);
  for (const {owner, change} of changes) {
    const isThere = organizations.some(
      ({host, organization}) =>
        host === owner.host &&
        (organization && lowerName(organization)) === (owner.organization && lowerName(owner.organization)),
    );
    if (isThere === (change !== 'removed')) continue;
    throw new CommandError(
      EXIT.badConfiguration,
      `${printable(path)} was changed, but the daemon does not use the change for ${describeOwner(owner)}: it uses ${printable(configuration.source, 200)}`,
      {hint: 'run: orgkey doctor'},
    );
  }
}
