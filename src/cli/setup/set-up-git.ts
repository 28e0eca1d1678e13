import {stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {Configuration, Settings} from '../../config/configuration.ts';
import {globalFile, systemFile} from '../../git/configuration-file.ts';
import {readManifest, replaceRecord} from '../../git/manifest.ts';
import {isChanged, planSettings, publish, type Change} from '../../git/plan-change.ts';
import {includeOf, includesOwnFile, isOwnFile, OWN_FILE} from '../../git/own-file.ts';
import type {RunGit} from '../../git/run-git.ts';
import {helperValue, type Setting} from '../../git/setting.ts';
import {isSubmoduleFile} from '../../git/unrecorded-settings.ts';
import {wantedSettings} from './wanted-settings.ts';
import {printable} from '../../text/printable.ts';
import {submoduleInclude, type GitSetting} from '../../git/git-include.ts';
import {machineDirectory} from '../../places/paths.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {
  configurationDirectory,
  homeOf,
  runtimeDirectory,
  runtimeDirectoryOfDaemon,
  setupDirectory,
} from '../locate.ts';
import {OWN_GATEWAY, type OwnGateway} from './own-gateway.ts';
import {scriptsForGit, scriptsToPlace, type Placing} from './place-scripts.ts';
import {style} from '../terminal.ts';
import {nameSome} from '../../text/name-some.ts';

export interface GitOptions extends Places {
  /** For all users of the machine. */
  readonly system: boolean;
  readonly 'proactive-auth': boolean;
}

export interface GitPlan {
  /** Whom git asks orgkey for, as a user would say it. */
  readonly names: string;
  /** The scripts for git that are missing or outdated. */
  readonly placings: readonly Placing[];
  /** In the order in which they are made: git never reads an include that does not exist yet. */
  readonly changes: readonly Change[];
}

/** Plans the changes; nothing is written. @throws {CommandError} if users could not read the machine's file. */
export async function planGit(
  {bindings, settings}: Configuration,
  options: GitOptions,
  context: Context,
  git: RunGit,
): Promise<GitPlan> {
  const {environment, temporary} = context;
  const scripts = scriptsForGit(options, context);
  const records = await readManifest(setupDirectory(options, context));
  const main = await mainFile(options, context, git);
  const ownFile = ownFileFor(options, context);
  if (options.system) await requireOpenDirectory(dirname(ownFile));
  const submoduleFile = submoduleFileFor(options, context);
  const hasKeys = settings.submodules.length > 0;
  const submodules = submoduleInclude({wrapper: scripts.sshWrapper, path: submoduleFile});
  const included = wantedSettings(bindings, {
    helper: scripts.helper,
    includes: hasKeys ? toSettings(submodules.conditions) : [],
    proactiveAuth: options['proactive-auth'],
    gateway: options.system ? undefined : ownGatewayOf(settings, scripts.helper, {options, context}),
  });
  const home = environment['GIT_CONFIG_GLOBAL'] === undefined ? context.home : undefined;
  const plan = (path: string, lines: readonly Setting[]) =>
    planSettings(
      path,
      lines,
      records.find((record) => record.path === path),
      {git, temporary, ...(path === main ? {included} : {})},
    );
  return {
    names: namesOf(bindings),
    placings: await scriptsToPlace(options, context),
    changes: [
      await plan(submoduleFile, hasKeys ? toSettings(submodules.settings) : []),
      await plan(ownFile, included),
      await plan(main, included.length === 0 ? [] : [includeOf(ownFile, home)]),
    ],
  };
}

function mainFile({system}: GitOptions, context: Context, git: RunGit): Promise<string> {
  return system ? systemFile(git, context.environment) : globalFile(context.environment, homeOf(context));
}

function ownGatewayOf(
  {gateways}: Settings,
  helper: string,
  {options, context}: {readonly options: Places; readonly context: Context},
): OwnGateway | undefined {
  const settings = gateways.find(({name}) => name === OWN_GATEWAY);
  if (settings === undefined) return undefined;
  const {listen} = settings;
  if (listen !== undefined)
    return {settings, way: {authority: `${listen.host}:${listen.port}`, helper: helperValue(helper)}};
  const directory = runtimeDirectoryOfDaemon(options, context) ?? runtimeDirectory(options, context);
  return {settings, way: {socket: join(directory, 'gateways', OWN_GATEWAY, 'gateway.sock')}};
}

/** A file that git may not read ends every git command of that user. @throws {CommandError} */
async function requireOpenDirectory(directory: string): Promise<void> {
  const facts = await stat(directory).catch(() => undefined);
  if (facts === undefined || (facts.mode & 0o001) !== 0) return;
  throw new CommandError(EXIT.unhealthy, `users cannot enter ${directory}, so git would fail for them`, {
    hint: `let them enter it: chmod o+x ${directory}`,
  });
}

function namesOf(bindings: Configuration['bindings']): string {
  const names = [...new Set(bindings.flatMap(({organizations}) => organizations))];
  const shown = nameSome(names, 3);
  if (bindings.some(({organizations}) => organizations.length === 0))
    return names.length === 0 ? 'every organization' : `every organization, ${shown} by name`;
  return shown || 'no organization';
}

function toSettings(settings: readonly GitSetting[]): Setting[] {
  return settings.map(([key, value]) => ({key, value}));
}

/** Returns the file with all of git's settings. The machine's belongs to root: it decides what every user runs. */
export function ownFileFor({system}: {readonly system: boolean}, context: Context): string {
  return join(system ? machineDirectory : configurationDirectory(context), OWN_FILE);
}

export function submoduleFileFor({system}: {readonly system: boolean}, context: Context): string {
  return join(system ? machineDirectory : configurationDirectory(context), 'submodules.gitconfig');
}

/** Makes the changes and reports them; every line of them if `verbose` is set. */
export async function changeGit(
  plan: GitPlan,
  options: GitOptions & {readonly verbose?: boolean},
  context: Context,
): Promise<void> {
  const directory = setupDirectory(options, context);
  const {terminal} = context;
  // git must never be configured for a script that does not exist yet
  for (const {path, place} of plan.placings) {
    await place();
    if (options.verbose === true) terminal.say(`git: wrote ${printable(path)}`);
  }
  for (const change of plan.changes) {
    if (isChanged(change)) await publishRecorded(change, directory);
    await replaceRecord(directory, change.path, change.record);
  }
  const lines = options.verbose === true ? describeGitPlan({...plan, placings: []}) : summarize(plan);
  terminal.say(lines.join('\n'));
}

/** Returns what changed, in a line for each thing that matters to the user. */
function summarize({names, changes}: GitPlan): string[] {
  const changed = changes.filter(isChanged);
  if (changed.length === 0) return ['git: everything is in place'];
  const own = changes.find(({path}) => isOwnFile(path));
  const count = own?.record?.settings.length ?? 0;
  const others = changed.filter(({path}) => !isOwnFile(path) && !isSubmoduleFile(path));
  return [
    count === 0
      ? 'git: not configured, because no organization is'
      : `git: configured for ${names} (${count} settings in ${printable(own?.path ?? '')})`,
    ...others.flatMap(({path, added, removed}) => {
      const older = removed.filter((line) => !includesOwnFile(line)).length;
      const moved =
        older > 0 ? [`  moved ${older} settings of an earlier version out of ${printable(path)}`] : [];
      return added.length === 0 && removed.length === 0 ? [MOVED] : moved;
    }),
  ];
}

const MOVED = '  our lines are moved behind those of others';

/** Records how to undo the change, in case we are killed, and then makes it. A failure leaves everything as it was. */
async function publishRecorded(change: Change, directory: string): Promise<void> {
  const before = (await readManifest(directory)).find(({path}) => path === change.path);
  await replaceRecord(directory, change.path, change.meanwhile);
  try {
    await publish(change);
  } catch (error) {
    await replaceRecord(directory, change.path, before);
    throw error;
  }
}

/** Returns the plan as lines for users; there is at least one. */
export function describeGitPlan({placings, changes}: Pick<GitPlan, 'placings' | 'changes'>): string[] {
  const wanted = changes.filter(isChanged);
  return [
    ...placings.map(({path}) => `git: write ${printable(path)}`),
    ...wanted.flatMap(describeGitChange),
    ...(wanted.length === 0 ? ['git: everything is in place'] : []),
  ];
}

function describeGitChange({path, added, removed}: Change): string[] {
  const isSame = added.length === 0 && removed.length === 0;
  return [
    `git: ${printable(path)}`,
    ...(isSame ? [MOVED] : []),
    ...removed.map((setting) => style('red', `  - ${describeSetting(setting)}`)),
    ...added.map((setting) => style('green', `  + ${describeSetting(setting)}`)),
  ];
}

function describeSetting({key, value}: Setting): string {
  return printable(`${key} = ${value}`, 300).trimEnd();
}
