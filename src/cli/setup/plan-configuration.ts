import {basename, join} from 'node:path';
import {setVariables} from '../../config/build/terraform-variables.ts';
import type {Configuration} from '../../config/configuration.ts';
import {readIfThere} from '../../files/replace-file.ts';
import {pathsIn} from '../../places/paths.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import type {Context, Places} from '../context.ts';
import {
  absolute,
  configurationDirectory,
  configurationFile,
  fileToChange,
  stateDirectory,
} from '../locate.ts';
import {readConfiguration} from '../read-configuration.ts';
import {askForConfiguration} from './ask-for-configuration.ts';
import {checkNewText, type Scene} from './check-new-text.ts';
import {addedBy, isConfigured, withCredentials, type RuleChange} from './change-rules.ts';
import {readStarter} from './read-starter.ts';
import type {GitOptions} from './set-up-git.ts';
import {
  describesConfiguration,
  namesMethod,
  starterConfiguration,
  type StarterOptions,
} from './starter-configuration.ts';
import {usageError} from '../command-error.ts';

export interface SetupOptions extends GitOptions, StarterOptions {
  readonly 'dry-run': boolean;
  readonly verbose: boolean;
  readonly service: string;
  /** For the user's own git. */
  readonly gateway: boolean;
  readonly 'no-gateway': boolean;
  /** A list with commas; empty: the tools that are installed. */
  readonly tools?: string | undefined;
}

export interface PlannedConfiguration {
  readonly path: string;
  readonly configuration: Configuration;
  /** What the file holds now. `undefined`: it does not exist. */
  readonly was: Buffer | undefined;
  /** `undefined`: nothing is to be written. */
  readonly text: string | undefined;
  /** What the text adds or changes. */
  readonly changes: readonly RuleChange[];
  /** What happens to the gateway for the user's own git. */
  readonly gateway?: RuleChange['change'];
  /** Files with secrets that the new text names. Absolute. */
  readonly secrets: readonly string[];
}

/** Decides which configuration `setup` uses; nothing is written. @throws {CommandError} if it would be invalid. */
export async function planConfiguration(
  options: SetupOptions,
  context: Context,
): Promise<PlannedConfiguration> {
  const inUse = configurationFile(options, context);
  if (inUse !== undefined && pathsIn(inUse).length > 1 && !describesConfiguration(options))
    return existing(inUse, undefined, {options, context});
  const path = await pathFor(options, context);
  const was = await readIfThere(path);
  if (was === undefined) return planNew(path, await startersFor(options, context), {options, context});
  if (!describesConfiguration(options)) return existing(path, was, {options, context});
  return planChange(path, was, [readStarter(options, context)], {options, context});
}

/** Plans a file that does not exist yet, with one credential or more. */
export async function planNew(
  path: string,
  [first = {}, ...others]: readonly StarterOptions[],
  {options, context}: Scene,
): Promise<PlannedConfiguration> {
  const starters = [first, ...others];
  const secrets = starters.flatMap(secretFiles);
  if (options.system) requireReach(secrets);
  const {text} = withCredentials(await starterConfiguration(first, context), others, context);
  // checked before it is written, so that an invalid configuration is never left behind
  const configuration = await checkNewText(text, {path, before: undefined, starters}, {options, context});
  return {path, configuration, was: undefined, text, changes: addedBy(starters, context), secrets};
}

/** Plans the change of an existing file. Options that say nothing new change nothing. */
export async function planChange(
  path: string,
  was: Buffer,
  starters: readonly StarterOptions[],
  {options, context}: Scene,
): Promise<PlannedConfiguration> {
  // a part that is wrong does not keep the user from changing another one
  const found = await readConfiguration({...options, config: path}, context, {absent: 'error'});
  const current = {path, configuration: found, was, text: undefined, changes: [], secrets: []};
  const [first = {}] = starters;
  const written = was.toString('utf8');
  if (namesMethod(first)) {
    // provisioning tools run the same command again and again
    if (written === (await starterConfiguration(first, context))) return current;
  } else if (isConfigured(first, current.configuration)) return current;
  const {text, changes} = withCredentials(written, starters, context);
  if (changes.length === 0) return current;
  const secrets = starters.flatMap(secretFiles);
  if (options.system) requireReach(secrets);
  const configuration = await checkNewText(
    text,
    {path, before: found.problems, starters},
    {options, context},
  );
  return {path, configuration, was, text, changes, secrets};
}

async function existing(
  path: string,
  was: Buffer | undefined,
  {options, context}: Scene,
): Promise<PlannedConfiguration> {
  const configuration = await readConfiguration({...options, config: path}, context, {
    absent: 'error',
    need: 'whole',
  });
  return {path, configuration, was, text: undefined, changes: [], secrets: []};
}

function secretFiles(options: StarterOptions): readonly string[] {
  const files = [options['client-secret-file'], options['client-certificate-file'], options['pat-file']];
  return files.filter((file) => file !== undefined);
}

/** The service sees neither homes nor /tmp. */
function requireReach(secrets: readonly string[]): void {
  const hidden = secrets.find((path) => /^\/(?:root|home|run\/user|tmp|var\/tmp)\//.test(path));
  if (hidden === undefined) return;
  throw usageError(
    `the service cannot see ${printable(hidden)}`,
    `move it to the configuration: install -D -m 600 ${shellWord(hidden)} ${shellWord(`/etc/orgkey/${basename(hidden)}`)}`,
  );
}

/** Returns the path of the configuration in use, or of the one to be written. */
export async function pathFor(
  options: Places & {readonly system: boolean},
  context: Context,
): Promise<string> {
  const found = fileToChange(options, context);
  if (found !== undefined && !options.system && (await readIfThere(found)) !== undefined) return found;
  const named = options.config ?? context.environment['ORGKEY_CONFIG'];
  if (named) return absolute(named, context);
  return join(options.system ? '/etc/orgkey' : configurationDirectory(context), 'config.yaml');
}

/** Whether a configuration was in force that is gone now. */
async function isKept(context: Context): Promise<boolean> {
  return (await readIfThere(join(stateDirectory({}, context), 'last-configuration.json'))) !== undefined;
}

/** Whether the variables that are set for Terraform describe the credential. A user is asked first. */
async function usesTerraform({environment, terminal}: Context): Promise<boolean> {
  const names = setVariables(environment).filter((name) => /^(?:ARM|AZDO)_/.test(name));
  if (names.length === 0) return false;
  terminal.say(`Terraform's variables are set here: ${names.join(', ')}`);
  if (!terminal.isInteractive) return true;
  return /^y/i.test(await terminal.ask('Use them, y or n', 'y'));
}

/** Returns what describes the credentials: the options, or the answers of the user. */
async function startersFor(options: SetupOptions, context: Context): Promise<readonly StarterOptions[]> {
  if (describesConfiguration(options)) return [readStarter(options, context)];
  if (await usesTerraform(context)) return [{'from-env': true}];
  if (context.terminal.isInteractive) return askForConfiguration(context, {forMachine: options.system});
  throw usageError(
    'no configuration exists yet, and no option describes one',
    (await isKept(context))
      ? 'write the last valid one again: orgkey config restore'
      : 'describe one, as in: orgkey setup --organization contoso --managed-identity system-assigned',
  );
}
