import {chmod, mkdir, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {existsSync} from 'node:fs';
import type {Configuration} from '../../../config/configuration.ts';
import {addSettings} from '../../../git/edit-settings.ts';
import {gitFrom} from '../../../git/run-git.ts';
import {quoteForShell} from '../../../text/quote-for-shell.ts';
import type {Context} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {treatForeignHeaders} from '../../job/foreign-headers.ts';
import {maskCommands} from '../../job/job-masks.ts';
import {jobOutput, tellJob, type ForJob, type JobOutput, type jobOutputs} from '../../job/job-output.ts';
import {inJob, JOB_VARIABLE, makeJobPlace, type JobPlace} from '../../job/job-place.ts';
import {toolSettings} from '../../job/tool-settings.ts';
import {settingsOverHttps} from '../../job/ssh-over-https.ts';
import {absolute} from '../../locate.ts';
import {loadFor, readConfiguration} from '../../read-configuration.ts';
import {ownFileFor, type GitOptions} from '../../setup/set-up-git.ts';
import {describesConfiguration, namesMethod, type StarterOptions} from '../../setup/starter-configuration.ts';
import {setup} from '../setup.ts';
import {endJob} from './stop.ts';
import {usageError} from '../../command-error.ts';
import type {Environment} from '../../../text/environment.ts';

interface StartOptions extends StarterOptions, Omit<GitOptions, 'system' | 'proactive-auth'> {
  readonly directory?: string | undefined;
  readonly output: (typeof jobOutputs)[number];
  readonly 'over-https'?: readonly string[] | undefined;
  readonly 'remove-headers': boolean;
  readonly tools: boolean;
}

/**
 * Runs `orgkey job start`: a daemon, its configuration and git's settings for one job, all in one directory, and
 * variables that lead later steps there. If anything fails, nothing is left.
 */
export async function startJob(given: StartOptions, context: Context): Promise<ExitCode> {
  const output = jobOutput(given.output, context.environment);
  const options = withPlatform(given, output, context);
  const overHttps = (options['over-https'] ?? []).flatMap(settingsOverHttps);
  const place = await makeJobPlace(options, context);
  try {
    const own = inJob(place, context);
    // first, so that what ends the job finds it whatever happens
    const programs = await makeCommand(place.directory, own);
    // before any of its secrets could be shown; without a file, setup writes one first
    if (options.config !== undefined) await mask(options, output, own);
    const code = await setup({...options, ...forOneJob}, own);
    if (code !== EXIT.ok) {
      await endJob(place, context);
      return code;
    }
    const configuration = await readConfiguration(options, own);
    await addSettings(gitFrom(own.environment), draftOf(ownFileFor({system: false}, own)), overHttps);
    if (options.config === undefined) await mask(options, output, own);
    const treatment = options['remove-headers'] ? 'remove' : 'report';
    await treatForeignHeaders(configuration.bindings, treatment, context);
    const {variables, folders} = options.tools ? toolSettings(context) : {variables: [], folders: []};
    await tellJob(
      output,
      {
        variables: [...variablesFor(place, configuration, own), ...variables],
        programs: [programs, ...folders],
      },
      context,
    );
    return code;
  } catch (error) {
    await endJob(place, context);
    throw error;
  }
}

/** Hides the secrets of the configuration in the log of the platform. Its problems are reported later. */
async function mask(options: StartOptions, output: JobOutput, own: Context): Promise<void> {
  const loaded = await loadFor(options, own);
  if (loaded.kind === 'loaded') own.terminal.write(maskCommands(loaded.configuration, output));
}

/** What `setup` is asked besides: the job has neither a service manager nor a git of its own. */
const forOneJob = {
  service: 'plain',
  system: false,
  gateway: false,
  'no-gateway': false,
  'proactive-auth': false,
  'dry-run': false,
  verbose: false,
  tools: undefined,
} as const;

/** Adds the token of the platform as the way to sign in, if the options name an application and no other way. */
function withPlatform(options: StartOptions, output: JobOutput, context: Context): StartOptions {
  const {environment} = context;
  const named = options.config ?? (environment['ORGKEY_CONFIG'] || undefined);
  if (!describesConfiguration(options)) {
    if (named !== undefined) return {...options, config: absolute(named, context)};
    throw usageError(
      'neither an organization nor a configuration is named',
      'pass --organization NAME and how to sign in, or --config FILE',
    );
  }
  if (options.config !== undefined)
    throw usageError(
      '--config and the options of an organization exclude each other',
      'write the organization into the file',
    );
  if (namesMethod(options) || options['client-id'] === undefined || output === 'shell' || output === 'env')
    return options;
  return {...options, oidc: output};
}

/** git edits the file itself: only this job uses it. */
function draftOf(path: string) {
  return {path, of: path};
}

function variablesFor(
  {directory, runtime, state}: JobPlace,
  {source}: Configuration,
  own: Context,
): ForJob['variables'] {
  return [
    ...gitVariables(ownFileFor({system: false}, own), own.environment),
    [JOB_VARIABLE, directory],
    ['ORGKEY_CONFIG', source],
    ['ORGKEY_RUNTIME_DIR', runtime],
    ['ORGKEY_STATE_DIR', state],
    // a daemon that git starts later would outlive the job
    ['ORGKEY_NO_START', '1'],
  ];
}

/**
 * Variables instead of a line in a file: they end with the job, also on a machine whose user has other jobs. Those that
 * are there stay, except for a line that led to our file before.
 */
function gitVariables(file: string, environment: Environment): [name: string, value: string][] {
  const count = Number(environment['GIT_CONFIG_COUNT'] ?? 0) || 0;
  const former = Array.from({length: count}, (_, at) => at).find((at) =>
    environment[`GIT_CONFIG_VALUE_${at}`]?.endsWith('/orgkey/gitconfig'),
  );
  const at = former ?? count;
  return [
    ['GIT_CONFIG_COUNT', String(Math.max(count, at + 1))],
    [`GIT_CONFIG_KEY_${at}`, 'include.path'],
    [`GIT_CONFIG_VALUE_${at}`, file],
  ];
}

/** Makes the command `orgkey` with this Node, which need not be the one on the PATH. Returns its directory. */
async function makeCommand(directory: string, {program}: Pick<Context, 'program'>): Promise<string> {
  const shim = join(dirname(program.main), 'orgkey.cjs');
  const words = [program.node, existsSync(shim) ? shim : program.main].map(quoteForShell);
  const programs = join(directory, 'bin');
  const path = join(programs, 'orgkey');
  await mkdir(programs, {recursive: true});
  await writeFile(path, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
  await chmod(path, 0o755);
  return programs;
}
