import {rm, rmdir} from 'node:fs/promises';
import {readIfThere} from '../../files/replace-file.ts';
import {globalFile, systemFile} from '../../git/configuration-file.ts';
import {readManifest, replaceRecord, writeManifest} from '../../git/manifest.ts';
import {isChanged, planRemoval, publish, type Change} from '../../git/plan-change.ts';
import {gitFrom} from '../../git/run-git.ts';
import {machineReaders} from '../../places/paths.ts';
import {describeChange} from '../../service/change.ts';
import {runCommand} from '../../service/run-command.ts';
import type {Service, ServiceKind} from '../../service/service.ts';
import {systemUser} from '../../service/systemd-units.ts';
import {printable} from '../../text/printable.ts';
import {removeClients} from '../clients/change-clients.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {configurationDirectory, homeOf, setupDirectory, stateDirectory} from '../locate.ts';
import {orFail, reportWarning, serviceFor, serviceKind} from '../setup/choose-service.ts';
import {planPurge, type PurgePlan} from '../setup/plan-purge.ts';
import {placedScripts} from '../setup/place-scripts.ts';
import {forgetService, recallService} from '../setup/remember-service.ts';
import {ownFileFor, submoduleFileFor} from '../setup/set-up-git.ts';
import {usageError} from '../command-error.ts';

interface UninstallOptions extends Places {
  readonly system: boolean;
  readonly purge: boolean;
  readonly yes: boolean;
  readonly 'dry-run': boolean;
}

/** Everything that `uninstall` takes away. */
interface Plan {
  /** The directory of `setup`'s records. */
  readonly directory: string;
  readonly changes: readonly Change[];
  /** The directory with copies of our scripts. */
  readonly scripts: string | undefined;
  /** The one that was set up, and others that are installed nevertheless. */
  readonly services: readonly Service[];
  readonly purged: readonly PurgePlan[];
  /** Commands that remove the service's users and groups. */
  readonly users: readonly (readonly string[])[];
}

export async function uninstall(options: UninstallOptions, context: Context): Promise<ExitCode> {
  const plan = await planUninstall(options, context);
  if (options['dry-run']) {
    await showPlan(plan, context);
    await removeClients([], {directory: plan.directory, mode: 'show', context});
    return EXIT.ok;
  }
  if (options.purge && !options.yes && !(await isConfirmed(plan, context))) return EXIT.unhealthy;
  // git first, so that it never asks a daemon that is gone
  await restoreGit(plan, context);
  const {terminal} = context;
  let warning: string | undefined;
  for (const service of plan.services) {
    const removed = orFail(await service.uninstall());
    for (const change of removed.changes) terminal.say(printable(describeChange(change)));
    terminal.say(`service: ${service.kind}, removed`);
    warning ??= removed.warning;
  }
  await forgetService(plan.directory);
  await removeClients([], {directory: plan.directory, mode: 'change', context});
  for (const {directory, entries, kept} of plan.purged) {
    for (const entry of entries) {
      await rm(entry, {recursive: true, force: true});
      terminal.say(`removed ${printable(entry)}`);
    }
    const isGone = await rmdir(directory).then(
      () => true,
      () => false,
    );
    if (!isGone) for (const path of kept) terminal.say(`kept ${printable(path)}: orgkey did not make it`);
  }
  for (const command of plan.users)
    if ((await runCommand(command, context.environment)).code === 0) terminal.say(`run ${command.join(' ')}`);
  terminal.hint(howToRemovePackage(context));
  return reportWarning(warning, context);
}

/** Asks before secrets and keys are deleted. @throws {CommandError} if it runs without a terminal. */
async function isConfirmed({purged}: Plan, {terminal}: Context): Promise<boolean> {
  const entries = purged.flatMap((plan) => plan.entries);
  if (entries.length === 0) return true;
  if (!terminal.isInteractive)
    throw usageError(
      '--purge deletes secrets and keys, and needs a terminal to ask first',
      'look first: orgkey uninstall --purge --dry-run, then add --yes',
    );
  for (const entry of entries) terminal.say(`  ${printable(entry)}`);
  const answer = await terminal.ask('delete these, with the secrets and keys in them? y or n', 'n');
  if (/^y(?:es)?$/i.test(answer)) return true;
  terminal.say('nothing was changed');
  return false;
}

/** The Debian package has its program below /usr/lib. */
function howToRemovePackage({program}: Pick<Context, 'program'>): string {
  return program.main.startsWith('/usr/lib/orgkey/')
    ? 'to remove the program as well: sudo apt remove orgkey'
    : 'to remove the program as well: npm uninstall --global orgkey';
}

async function planUninstall(options: UninstallOptions, context: Context): Promise<Plan> {
  const directory = setupDirectory(options, context);
  return {
    directory,
    changes: (await planGitRemoval(directory, options, context)).filter(isChanged),
    scripts: options.system ? undefined : await placedScripts(context),
    services: await servicesToRemove(directory, options, context),
    purged: options.purge ? await planPurge(pathsToPurge(options, context)) : [],
    users: options.system && options.purge ? await usersToRemove() : [],
  };
}

async function showPlan(
  {changes, scripts, services, purged, users}: Plan,
  {terminal}: Pick<Context, 'terminal'>,
): Promise<void> {
  const steps = [
    ...changes.flatMap((change) => describeGitChange(change, 'planned')),
    ...(scripts === undefined ? [] : [`would remove ${scripts}`]),
    ...(await Promise.all(services.map((service) => service.planUninstall())))
      .flat()
      .map((change) => `would ${describeChange(change)}`),
    ...purged.flatMap(({entries, kept}) => [
      ...entries.map((path) => `would remove ${path}`),
      ...kept.map((path) => `would keep ${path}`),
    ]),
    ...users.map((command) => `would run ${command.join(' ')}`),
  ];
  terminal.print(steps.map((step) => printable(step, 300).trimEnd()).join('\n'));
}

async function restoreGit({directory, changes, scripts}: Plan, {terminal}: Context): Promise<void> {
  for (const change of changes) {
    await publish(change);
    // if the next file is locked, the next run must not search this one for our lines again
    await replaceRecord(directory, change.path, undefined);
    terminal.say(describeGitChange(change, 'done').join('\n'));
  }
  if (changes.length === 0) terminal.say('git: not configured for orgkey');
  await writeManifest(directory, []);
  if (scripts === undefined) return;
  await rm(scripts, {recursive: true, force: true});
  terminal.say(`git: removed ${printable(scripts)}`);
}

/** Includes are removed before the files that they include. */
async function planGitRemoval(
  directory: string,
  options: UninstallOptions,
  context: Context,
): Promise<Change[]> {
  const {environment, temporary} = context;
  const git = gitFrom(environment);
  const records = await readManifest(directory);
  const main = options.system
    ? await systemFile(git, environment)
    : await globalFile(environment, homeOf(context));
  const planning = {git, temporary};
  // the record of a setup may be lost
  const unrecorded = [main, ownFileFor(options, context), submoduleFileFor(options, context)].filter(
    (file) => !records.some(({path}) => path === file),
  );
  const changes: Change[] = [];
  for (const record of records.toReversed()) changes.push(await planRemoval(record.path, record, planning));
  for (const path of unrecorded) changes.push(await planRemoval(path, undefined, planning));
  return changes;
}

async function servicesToRemove(
  directory: string,
  options: UninstallOptions,
  context: Context,
): Promise<readonly Service[]> {
  const recorded = await recallService(directory);
  const of = (kind: ServiceKind | undefined) =>
    serviceFor({kind, configFile: recorded?.configFile, sockets: []}, options, context);
  const kind = recorded?.kind ?? serviceKind('auto', options.system);
  const main = await of(kind === 'none' ? 'plain' : kind);
  if (options.system) return [main];
  const services = [main];
  // the record may be lost, or of a setup that took another kind
  const managed = context.platform === 'darwin' ? 'launchd' : 'systemd-user';
  for (const other of ([managed, 'plain'] as const).filter((one) => one !== main.kind)) {
    const service = await of(other);
    if ((await service.planUninstall()).length > 0) services.push(service);
  }
  return services;
}

function pathsToPurge(options: UninstallOptions, context: Context): string[] {
  return options.system
    ? ['/etc/orgkey', '/var/lib/orgkey', setupDirectory(options, context)]
    : [configurationDirectory(context), stateDirectory(options, context)];
}

/** The users of the service own nothing any more. If a package made them, they stay, as is the custom of packages. */
async function usersToRemove(): Promise<readonly (readonly string[])[]> {
  if ((await readIfThere('/usr/lib/sysusers.d/orgkey.conf')) !== undefined) return [];
  // userdel may remove the group of that name, too
  return [
    ['userdel', systemUser],
    ['groupdel', systemUser],
    ['groupdel', machineReaders],
  ];
}

/** The settings of a file that is removed as a whole are only counted once they are gone: the file was ours. */
function describeGitChange({path, next, removed}: Change, state: 'planned' | 'done'): string[] {
  const verbs =
    next === undefined
      ? {planned: 'would remove', done: 'removed'}
      : {planned: 'would restore', done: 'restored'};
  if (next === undefined && state === 'done' && removed.length > 1)
    return [`git: removed ${printable(path)} (${removed.length} settings)`];
  return [
    `git: ${verbs[state]} ${printable(path)}`,
    ...removed.map(({key, value}) => printable(`  - ${key} = ${value}`, 300).trimEnd()),
  ];
}
