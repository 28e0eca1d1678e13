import {chmod} from 'node:fs/promises';
import {dirname} from 'node:path';
import type {SubmoduleSettings} from '../../../config/configuration.ts';
import {setSubmoduleKey} from '../../../config/edit/edit-submodules.ts';
import {readIfThere} from '../../../files/replace-file.ts';
import {isServicesSshHost, SERVICES_SSH_HOSTS} from '../../../organization/ssh-remote.ts';
import type {Secret} from '../../../secret/secret.ts';
import {keyPageOf} from '../../../ssh/key/private-key.ts';
import type {SigningKey} from '../../../ssh/key/signing-key.ts';
import {printable} from '../../../text/printable.ts';
import type {Context, Places} from '../../context.ts';
import {keepSecret} from '../../keep-secret.ts';
import {configurationFile, isOfMachine} from '../../locate.ts';
import {readConfiguration} from '../../read-configuration.ts';
import {letServiceRead} from '../../setup/let-service-read.ts';
import {style} from '../../terminal.ts';
import {invalidChange, replaceText, requireValid, spread} from '../../setup/change-configuration.ts';
import {rulesOf, sharedRule, type Owner} from './owner.ts';

/** How the configuration will read a key from its file. */
interface Use {
  /** The SSH name of the host where the key is used. */
  readonly host: string;
  readonly rule: SubmoduleSettings | undefined;
  readonly file: string | undefined;
  readonly was: Buffer | undefined;
  /** The new text of the configuration. `undefined`: the text cannot be changed by us. */
  readonly next: string | undefined;
}

/** Plans the change of the configuration, before a key is asked for. @throws {CommandError} */
export async function planUse(owner: Owner, options: Places, context: Context): Promise<Use> {
  const {settings} = await readConfiguration(options, context);
  const [rule] = rulesOf(owner, settings.submodules);
  const file = configurationFile(options, context);
  const was = file === undefined ? undefined : await readIfThere(file);
  const edit = was && setSubmoduleKey(was.toString('utf8'), owner, owner.path);
  if (rule !== undefined && edit?.kind === 'shared') throw sharedRule(owner.name, rule);
  return {
    host: rule?.host ?? owner.host ?? SERVICES_SSH_HOSTS[0],
    rule,
    file,
    was,
    next: edit?.kind === 'text' ? edit.text : undefined,
  };
}

/** Writes the key, makes the configuration read it, and prints its public half. */
export async function useKey(
  owner: Owner,
  use: Use,
  {secret, key}: {readonly secret: Secret; readonly key: SigningKey},
  {options, context}: {readonly options: Places; readonly context: Context},
): Promise<void> {
  await writeKey(owner.path, secret, options, context);
  await putIntoUse(owner, use, options, context);
  const {terminal} = context;
  const {name, organization} = owner;
  terminal.say(`${style('green', '✓')} ${name}: ${key.type} ${key.size}, ${key.fingerprint}`);
  terminal.say(`Paste the public key at ${keyPageOf(organization, use.host)}`);
  terminal.print(key.publicLine(`orgkey-${organization}`));
}

/** The key gets the readers of the configuration. */
async function writeKey(path: string, secret: Secret, options: Places, context: Context): Promise<void> {
  await keepSecret(path, secret);
  if (!isOfMachine(options, context)) return;
  await chmod(dirname(path), 0o755);
  await letServiceRead(path, context);
}

async function putIntoUse(owner: Owner, use: Use, options: Places, context: Context): Promise<void> {
  const {file, was, next} = use;
  const hint = hintByHand(owner, use);
  if (file === undefined || next === undefined) {
    context.terminal.warn('the configuration could not be changed', hint);
    return;
  }
  if (next !== was?.toString('utf8')) {
    const {submodules} = await requireValid(next, hint, options, context);
    // the path may mean another file there, because ${…} is replaced
    const read = rulesOf(owner, submodules);
    if (read.length === 0 || read.some(({keyFile}) => keyFile !== owner.path)) throw invalidChange(hint);
    await replaceText(file, was, next);
    reportChange(owner, use, file, context);
  }
  await spread(options, context);
}

function hintByHand({organization, path}: Owner, {host, rule}: Use): string {
  const at = isServicesSshHost(host) ? '' : `host: ${host}, `;
  return rule === undefined
    ? `add: orgkey: {submodules: [{organizations: [${organization}], ${at}privateKey: {$file: ${path}}}]}`
    : `set privateKey: {$file: ${path}} in the rule at ${rule.place}`;
}

function reportChange({name, path}: Owner, {rule}: Use, file: string, {terminal}: Context): void {
  const where = printable(file);
  terminal.say(
    rule === undefined
      ? `configuration: added ${name} to orgkey.submodules in ${where}`
      : `configuration: ${name} now reads its key from ${printable(path)}, in ${where}`,
  );
  if (rule?.keyFile !== undefined && rule.keyFile !== path)
    terminal.warn(
      `the previous key is still in ${printable(rule.keyFile)}`,
      'delete the file unless something else uses it',
    );
}
