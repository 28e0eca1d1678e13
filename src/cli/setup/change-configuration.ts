import type {Problem, Settings} from '../../config/configuration.ts';
import {replaceFile} from '../../files/replace-file.ts';
import {readManifest, type FileRecord} from '../../git/manifest.ts';
import {isOwnFile} from '../../git/own-file.ts';
import {gitFrom} from '../../git/run-git.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {setupDirectory} from '../locate.ts';
import {loadFor, readConfiguration, requireTaken, reportProblems} from '../read-configuration.ts';
import {changeGit, planGit} from './set-up-git.ts';

/** Returns the settings of a new text of the configuration. @throws {CommandError} if the text is invalid. */
export async function requireValid(
  text: string,
  hint: string,
  options: Places,
  context: Context,
): Promise<Settings> {
  const loaded = await loadFor(options, context, {content: Buffer.from(text)});
  if (loaded.kind === 'loaded') return loaded.configuration.settings;
  reportProblems('error', loaded.problems, context);
  throw invalidChange(hint);
}

export function invalidChange(hint: string): CommandError {
  return new CommandError(
    EXIT.badConfiguration,
    'the configuration was not changed: the result would be invalid',
    {hint},
  );
}

export function replaceText(path: string, was: Buffer | undefined, text: string): Promise<void> {
  return replaceFile(path, {was, next: Buffer.from(text), mode: 0o600, owner: 'kept'});
}

/**
 * Brings a changed configuration to git, if setup has configured git, and to a running daemon. `known`: the problems
 * that the change did not cause.
 */
export async function spread(
  options: Places,
  context: Context,
  known: readonly Problem[] = [],
): Promise<void> {
  const {source} = await readConfiguration(options, context);
  const records = await readManifest(setupDirectory(options, context));
  if (records.length > 0) await configureGit(records, options, context);
  await requireTaken(source, options, context, known);
}

async function configureGit(
  records: readonly FileRecord[],
  options: Places,
  context: Context,
): Promise<void> {
  const loaded = await loadFor(options, context, {absent: 'error'});
  if (loaded.kind === 'invalid') {
    // without the variables, organizations that git knows already would be left out
    context.terminal.warn(
      'git was not configured: variables of the configuration are not set here',
      'set them, then run: orgkey setup',
    );
    return;
  }
  // earlier versions turned it on in the user's file without being asked
  const isProactive = records.some(
    ({path, settings}) => isOwnFile(path) && settings.some(({key}) => key.endsWith('.proactiveAuth')),
  );
  const gitOptions = {...options, system: false, 'proactive-auth': isProactive};
  const plan = await planGit(loaded.configuration, gitOptions, context, gitFrom(context.environment));
  await changeGit(plan, gitOptions, context);
}
