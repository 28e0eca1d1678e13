import {rm} from 'node:fs/promises';
import type {Loaded, SubmoduleSettings} from '../../../config/configuration.ts';
import {removeSubmoduleKey} from '../../../config/edit/edit-submodules.ts';
import {readIfThere} from '../../../files/replace-file.ts';
import {SERVICES_SSH_HOSTS} from '../../../organization/ssh-remote.ts';
import {keyPageOf} from '../../../ssh/key/private-key.ts';
import {printable} from '../../../text/printable.ts';
import {CommandError, usageError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {fileToChange} from '../../locate.ts';
import {loadFor} from '../../read-configuration.ts';
import {replaceText, requireValid, spread} from '../../setup/change-configuration.ts';
import {ownerOf, rulesOf, sharedRule, type KeyOptions, type Owner} from './owner.ts';

export async function remove(options: KeyOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const loaded = await loadFor(options, context, {need: 'whole'});
  const rules = loaded.kind === 'loaded' ? loaded.configuration.settings.submodules : [];
  const rule = ownRule(owner, rules);
  await removeRule(owner, loaded, options, context);
  const isUsedByOthers = rules.some((other) => other !== rule && other.keyFile === owner.path);
  if (!isUsedByOthers) await rm(owner.path, {force: true});
  await spread(options, context);
  const ruleFile = rule?.keyFile === owner.path ? undefined : rule?.keyFile;
  report(owner, rule, isUsedByOthers ? owner.path : ruleFile, context);
  return EXIT.ok;
}

/** @throws {CommandError} if the rule is not for this owner alone. */
function ownRule(owner: Owner, rules: readonly SubmoduleSettings[]): SubmoduleSettings | undefined {
  const [rule, ...others] = rulesOf(owner, rules);
  if (rule !== undefined && (others.length > 0 || rule.organizations.length > 1))
    throw sharedRule(owner.name, rule);
  return rule;
}

/** @throws {CommandError} if there is neither a rule nor a key, or if the configuration cannot be changed. */
async function removeRule(owner: Owner, loaded: Loaded, options: Places, context: Context): Promise<void> {
  const {name, path} = owner;
  const file = fileToChange(options, context);
  const was = file === undefined ? undefined : await readIfThere(file);
  const edit = was && removeSubmoduleKey(was.toString('utf8'), owner);
  if (file === undefined || edit === undefined) {
    if ((await readIfThere(path)) !== undefined) return;
    throw usageError(`${name} has no submodule key of its own`, 'run: orgkey ssh-key list');
  }
  const hint = `remove the rule of ${name}: orgkey config edit`;
  if (edit.kind !== 'text')
    throw new CommandError(EXIT.badConfiguration, 'the configuration could not be changed', {hint});
  // a configuration that was invalid before may stay so
  if (loaded.kind === 'loaded') await requireValid(edit.text, hint, options, context);
  await replaceText(file, was, edit.text);
}

/** `keptFile`: the key that is left. */
function report(
  {name, organization, host}: Owner,
  rule: SubmoduleSettings | undefined,
  keptFile: string | undefined,
  {terminal}: Context,
): void {
  const page = keyPageOf(organization, rule?.host ?? host ?? SERVICES_SSH_HOSTS[0]);
  const removed = keptFile === undefined ? 'key' : 'rule';
  terminal.say(`removed the ${removed} of ${name}; delete its public key too: ${page}`);
  if (keptFile !== undefined)
    terminal.warn(
      `the key is still in ${printable(keptFile)}`,
      'delete the file unless something else uses it',
    );
}
