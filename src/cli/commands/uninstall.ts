import {rm} from 'node:fs/promises';
import {globalFile, systemFile} from '../../git/configuration-file.ts';
import {readManifest, replaceRecord, writeManifest} from '../../git/manifest.ts';
import {isChanged, planRemoval, publish, type Change} from '../../git/plan-change.ts';
import {gitFrom} from '../../git/run-git.ts';
import {machineReaders} from '../../places/paths.ts';
import {printable} from '../../text/printable.ts';
import {readIfThere} from '../../files/replace-file.ts';
import {describeChange} from '../../service/change.ts';
import {runCommand} from '../../service/run-command.ts';
import type {Service} from '../../service/service.ts';
import {systemUser} from '../../service/systemd-units.ts';
import {orFail, serviceFor, serviceKind, tellWarning} from '../setup/choose-service.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {configurationDirectory, homeOf, setupDirectory, stateDirectory} from '../locate.ts';
import {placedScripts} from '../setup/place-scripts.ts';
import {forgetService, recallService} from '../setup/remember-service.ts';
import {submoduleFileFor} from '../setup/set-up-git.ts';

interface UninstallOptions extends Places {
  readonly system: boolean;
  readonly purge: boolean;
  readonly 'dry-run': boolean;
}

/** `orgkey uninstall`: git first, so that no git asks a daemon that is gone. */
export async function uninstall(options: UninstallOptions, context: Context): Promise<ExitCode> {
  const directory = setupDirectory(options, context);
  const changes = (await planAll(directory, options, context)).filter(isChanged);
  const scripts = options.system ? undefined : await placedScripts(context);
  const service = await rememberedService(directory, options, context);
  const purged = options.purge ? toPurge(options, context) : [];
  const users = options.system && options.purge ? await usersToRemove() : [];
  const {terminal} = context;

  if (options['dry-run']) {
    const steps = [
      ...changes.flatMap(describeRestoring),
      ...(scripts === undefined ? [] : [`remove ${scripts}`]),
      ...(await service.planUninstall()).map(describeChange),
      ...purged.map((path) => `remove ${path}`),
      ...users.map((command) => `run ${command.join(' ')}`),
    ];
    terminal.print(steps.map((step) => printable(step, 300).trimEnd()).join('\n'));
    return EXIT.ok;
  }
  for (const change of changes) {
    await publish(change);
    // should the next file be locked, this one must not be searched for our lines again
    await replaceRecord(directory, change.path, undefined);
    terminal.say(describeRestoring(change).join('\n'));
  }
  if (changes.length === 0) terminal.say('git: nothing of ours is left');
  await writeManifest(directory, []);
  if (scripts !== undefined) {
    await rm(scripts, {recursive: true, force: true});
    terminal.say(`git: removed ${printable(scripts)}`);
  }
  const {changes: steps, warning} = orFail(await service.uninstall());
  for (const step of steps) terminal.say(printable(describeChange(step)));
  terminal.say(`service: ${service.kind}, removed`);
  await forgetService(directory);
  for (const path of purged) {
    await rm(path, {recursive: true, force: true});
    terminal.say(`removed ${printable(path)}`);
  }
  for (const command of users)
    if ((await runCommand(command, context.environment)).code === 0) terminal.say(`run ${command.join(' ')}`);
  return tellWarning(warning, context);
}

/** The includes go before what they include. */
async function planAll(directory: string, options: UninstallOptions, context: Context): Promise<Change[]> {
  const {environment, temporary} = context;
  const git = gitFrom(environment);
  const records = await readManifest(directory);
  const main = options.system
    ? await systemFile(git, environment)
    : await globalFile(environment, homeOf(context));
  const planning = {git, temporary};
  // of a setup whose record was lost
  const unrecorded = [main, submoduleFileFor(options, context)].filter(
    (file) => !records.some(({path}) => path === file),
  );
  const changes: Change[] = [];
  for (const record of records.toReversed()) changes.push(await planRemoval(record.path, record, planning));
  for (const path of unrecorded) changes.push(await planRemoval(path, undefined, planning));
  return changes;
}

async function rememberedService(
  directory: string,
  options: UninstallOptions,
  context: Context,
): Promise<Service> {
  const remembered = await recallService(directory);
  const kind = remembered?.kind ?? serviceKind('auto', options.system);
  const wish = {
    kind: kind === 'none' ? ('plain' as const) : kind,
    configFile: remembered?.configFile,
    sockets: [],
  };
  return serviceFor(wish, options, context);
}

function toPurge(options: UninstallOptions, context: Context): string[] {
  return options.system
    ? ['/etc/orgkey', '/var/lib/orgkey', setupDirectory(options, context)]
    : [configurationDirectory(context), stateDirectory(options, context)];
}

/** Nothing is theirs any more. A package that made them keeps them, as packages do. */
async function usersToRemove(): Promise<readonly (readonly string[])[]> {
  if ((await readIfThere('/usr/lib/sysusers.d/orgkey.conf')) !== undefined) return [];
  // with its last user, the group of that name may go by itself
  return [
    ['userdel', systemUser],
    ['groupdel', systemUser],
    ['groupdel', machineReaders],
  ];
}

function describeRestoring({path, next, removed}: Change): string[] {
  const how = next === undefined ? 'removed' : 'put back';
  return [
    `git: ${how} ${printable(path)}`,
    ...removed.map(({key, value}) => printable(`  - ${key} = ${value}`, 300).trimEnd()),
  ];
}
