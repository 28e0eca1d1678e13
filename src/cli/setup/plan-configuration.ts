import {basename, join} from 'node:path';
import type {Configuration} from '../../config/configuration.ts';
import {readIfThere} from '../../files/replace-file.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {absolute, configurationDirectory, configurationFile} from '../locate.ts';
import {readConfiguration} from '../read-configuration.ts';
import {askForConfiguration} from './ask-for-configuration.ts';
import type {GitOptions} from './set-up-git.ts';
import {
  describesConfiguration,
  starterConfiguration,
  withAbsolutePaths,
  type StarterOptions,
} from './starter-configuration.ts';

export interface SetupOptions extends GitOptions, StarterOptions {
  readonly 'dry-run': boolean;
  readonly service: string;
}

/** An existing configuration, or one to be written. */
export interface PlannedConfiguration {
  readonly path: string;
  readonly configuration: Configuration;
  /** `undefined`: it exists already. */
  readonly text: string | undefined;
  /** Files with secrets that the new text names. Absolute. */
  readonly secrets: readonly string[];
}

/** Decides which configuration `setup` uses; nothing is written. @throws {CommandError} if it would be invalid. */
export async function planConfiguration(
  options: SetupOptions,
  context: Context,
): Promise<PlannedConfiguration> {
  const found = configurationFile(options, context);
  const exists = found !== undefined && (await readIfThere(found)) !== undefined;
  if (exists && !options.system) {
    if (describesConfiguration(options)) await warnOfIgnored(found, options, context);
    return existing(found, options, context);
  }
  const path = pathForNew(options, context);
  if ((await readIfThere(path)) !== undefined) return existing(path, options, context);
  const starter = await optionsForNew(options, context);
  const secrets = secretFiles(starter);
  if (options.system) requireReach(secrets);
  const text = await starterConfiguration(starter, context);
  // checked before it is written, so that an invalid configuration is never left behind
  const configuration = await readConfiguration({...options, config: path}, context, {
    absent: 'error',
    content: Buffer.from(text),
  });
  return {path, configuration, text, secrets};
}

async function existing(
  path: string,
  options: SetupOptions,
  context: Context,
): Promise<PlannedConfiguration> {
  const configuration = await readConfiguration({...options, config: path}, context, {
    absent: 'error',
    need: 'whole',
  });
  return {path, configuration, text: undefined, secrets: []};
}

function secretFiles(options: StarterOptions): readonly string[] {
  const files = [options['client-secret-file'], options['client-certificate-file'], options['pat-file']];
  return files.filter((file) => file !== undefined);
}

/** The service sees neither homes nor /tmp. */
function requireReach(secrets: readonly string[]): void {
  const hidden = secrets.find((path) => /^\/(?:root|home|run\/user|tmp|var\/tmp)\//.test(path));
  if (hidden === undefined) return;
  throw new CommandError(EXIT.usage, `the service cannot see ${printable(hidden)}`, {
    hint: `move it to the configuration: install -D -m 600 ${shellWord(hidden)} ${shellWord(`/etc/orgkey/${basename(hidden)}`)}`,
  });
}

function pathForNew(options: SetupOptions, context: Context): string {
  const named = options.config ?? context.environment['ORGKEY_CONFIG'];
  if (named) return absolute(named, context);
  return join(options.system ? '/etc/orgkey' : configurationDirectory(context), 'config.yaml');
}

async function optionsForNew(options: SetupOptions, context: Context): Promise<StarterOptions> {
  if (describesConfiguration(options)) return withAbsolutePaths(options, context);
  if (context.terminal.isInteractive) return askForConfiguration(context, {forMachine: options.system});
  throw new CommandError(EXIT.usage, 'no configuration exists yet, and no option describes one', {
    hint: 'describe one, as in: orgkey setup --organization contoso --managed-identity system-assigned',
  });
}

/** Does not warn about the same options: provisioning tools run the same command again and again. */
async function warnOfIgnored(path: string, options: SetupOptions, context: Context): Promise<void> {
  const wanted = await starterConfiguration(withAbsolutePaths(options, context), context);
  const current = await readIfThere(path);
  if (current?.toString() === wanted) return;
  context.terminal.warn(
    `${printable(path)} already exists and is not changed`,
    'edit it: orgkey config edit',
  );
}
