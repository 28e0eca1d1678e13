import {join} from 'node:path';
import type {Configuration} from '../../config/configuration.ts';
import {globalFile, systemFile} from '../../git/configuration-file.ts';
import {readManifest, replaceRecord} from '../../git/manifest.ts';
import {isChanged, planSettings, publish, type Change} from '../../git/plan-change.ts';
import type {RunGit} from '../../git/run-git.ts';
import type {Setting} from '../../git/setting.ts';
import {wantedSettings} from './wanted-settings.ts';
import {printable} from '../../text/printable.ts';
import {submoduleInclude, type GitSetting} from '../../git/git-include.ts';
import type {Context, Places} from '../context.ts';
import {configurationDirectory, homeOf, setupDirectory} from '../locate.ts';
import {scriptsForGit, scriptsToPlace, type Placing} from './place-scripts.ts';
import {style} from '../terminal.ts';

export interface GitOptions extends Places {
  /** For all users of the machine. */
  readonly system: boolean;
  readonly 'no-proactive-auth': boolean;
}

export interface GitPlan {
  /** The scripts for git that are missing or outdated. */
  readonly placings: readonly Placing[];
  readonly changes: readonly Change[];
}

/** Plans the changes; nothing is written. */
export async function planGit(
  {bindings, settings}: Configuration,
  options: GitOptions,
  context: Context,
  git: RunGit,
): Promise<GitPlan> {
  const {environment, temporary} = context;
  const scripts = scriptsForGit(options, context);
  const records = await readManifest(setupDirectory(options, context));
  const main = options.system
    ? await systemFile(git, environment)
    : await globalFile(environment, homeOf(context));
  const submoduleFile = submoduleFileFor(options, context);
  const hasKeys = settings.submodules.length > 0;
  const include = submoduleInclude({wrapper: scripts.sshWrapper, path: submoduleFile});
  const wanted = wantedSettings(bindings, {
    helper: scripts.helper,
    includes: hasKeys ? toSettings(include.conditions) : [],
    proactiveAuth: !options['no-proactive-auth'],
  });
  const plan = (path: string, lines: readonly Setting[]) =>
    planSettings(
      path,
      lines,
      records.find((record) => record.path === path),
      {git, temporary},
    );
  // the included file first: git must never read an include that does not exist yet
  const included = await plan(submoduleFile, hasKeys ? toSettings(include.settings) : []);
  return {placings: await scriptsToPlace(options, context), changes: [included, await plan(main, wanted)]};
}

function toSettings(settings: readonly GitSetting[]): Setting[] {
  return settings.map(([key, value]) => ({key, value}));
}

/** The machine's file belongs to root, because it decides what every user runs. */
export function submoduleFileFor({system}: {readonly system: boolean}, context: Context): string {
  return join(system ? '/etc/orgkey' : configurationDirectory(context), 'submodules.gitconfig');
}

/** Makes the changes and reports them. */
export async function changeGit(
  {placings, changes}: GitPlan,
  options: GitOptions,
  context: Context,
): Promise<void> {
  const directory = setupDirectory(options, context);
  const {terminal} = context;
  // git must never be configured for a script that does not exist yet
  for (const {path, place} of placings) {
    await place();
    terminal.say(`git: wrote ${printable(path)}`);
  }
  for (const change of changes) {
    if (isChanged(change)) {
      await publishRecorded(change, directory);
      terminal.say(describeGitChange(change).join('\n'));
    }
    await replaceRecord(directory, change.path, change.record);
  }
  if (!changes.some(isChanged)) terminal.say('git: everything is in place');
}

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
export function describeGitPlan({placings, changes}: GitPlan): string[] {
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
    ...(isSame ? ['  our lines are moved behind those of others'] : []),
    ...removed.map((setting) => style('red', `  - ${describeSetting(setting)}`)),
    ...added.map((setting) => style('green', `  + ${describeSetting(setting)}`)),
  ];
}

function describeSetting({key, value}: Setting): string {
  return printable(`${key} = ${value}`, 300).trimEnd();
}
