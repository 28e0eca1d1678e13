import {SCHEMA_VERSION} from '../../control/control-protocol.ts';
import {printable} from '../../text/printable.ts';
import {describeChange} from '../../service/change.ts';
import type {Service} from '../../service/service.ts';
import {orFail, serviceFor, serviceKind, tellWarning} from '../setup/choose-service.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {isRunning} from '../find-daemon.ts';
import {configurationFile, nameForService, setupDirectories, setupDirectory} from '../locate.ts';
import {forgetService, recallFirst, rememberService} from '../setup/remember-service.ts';
import {loadFor} from '../read-configuration.ts';

interface ServiceOptions extends Places {
  readonly system: boolean;
  readonly service: string;
}

/** `orgkey service install` */
export async function install(options: ServiceOptions, context: Context): Promise<ExitCode> {
  const {service, configFile} = await chosen(options, context, 'what the machine has');
  tell(service, orFail(await service.install()).changes.map(describeChange), 'runs', context);
  await rememberService(setupDirectory(options, context), {kind: service.kind, configFile});
  return EXIT.ok;
}

/** `orgkey service uninstall` */
export async function uninstall(options: ServiceOptions, context: Context): Promise<ExitCode> {
  const {service} = await chosen(options, context);
  const {changes, warning} = orFail(await service.uninstall());
  tell(service, changes.map(describeChange), 'removed', context);
  await forgetService(setupDirectory(options, context));
  return tellWarning(warning, context);
}

/** `orgkey service start`, `stop`, `restart`: git's helper calls `start` when nobody answers. */
export async function order(
  what: 'start' | 'stop' | 'restart',
  options: ServiceOptions,
  context: Context,
): Promise<ExitCode> {
  const {service} = await chosen(options, context);
  const {changes} = orFail(await service[what]());
  if (what !== 'stop') await requireLife(service, options, context);
  tell(service, changes.map(describeChange), DONE[what], context);
  return EXIT.ok;
}

/** systemd is content with a process; git, which waits behind this, wants one that lives. */
async function requireLife(service: Service, options: Places, context: Context): Promise<void> {
  const places = {...options, 'runtime-dir': service.runtimeDirectory};
  for (let waited = 0; waited < LIFE_LIMIT; waited += INTERVAL) {
    if (await isRunning(places, context)) return;
    const {state, reason} = await service.status();
    if (state === 'failed')
      throw new CommandError(
        EXIT.unhealthy,
        `the daemon does not live: ${printable(reason ?? 'no reason')}`,
        {
          hint: 'look at: orgkey logs',
        },
      );
    await context.wait(INTERVAL);
  }
}

/** In milliseconds: whoever may not ask the daemon does not find out whether it lives. */
const LIFE_LIMIT = 2_000;
const INTERVAL = 50;

/** `orgkey service status` */
export async function showStatus(
  options: ServiceOptions & {readonly json: boolean},
  context: Context,
): Promise<ExitCode> {
  const {service} = await chosen(options, context);
  const status = await service.status();
  const {terminal} = context;
  if (options.json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, kind: service.kind, ...status});
  } else {
    const pid = status.pid === undefined ? '' : `, pid ${status.pid}`;
    const reason = status.reason === undefined ? '' : `: ${printable(status.reason)}`;
    const installed = status.installed ? '' : ', not installed';
    terminal.print(`${service.kind}: ${status.state}${pid}${installed}${reason}`);
  }
  return status.state === 'running' || status.state === 'listening' ? EXIT.ok : EXIT.notRunning;
}

/** The one that is asked for, or was set up, or that is there all the same; else as is said. */
async function chosen(
  options: ServiceOptions,
  context: Context,
  whereNone: 'plain' | 'what the machine has' = 'plain',
): Promise<{readonly service: Service; readonly configFile: string | undefined}> {
  const remembered = await recallFirst(setupDirectories(options, context));
  const asked = serviceKind(options.service, options.system);
  const kind = asked ?? remembered?.kind;
  if (kind === 'none')
    throw new CommandError(EXIT.notRunning, 'orgkey was set up without a service', {
      hint: 'start the daemon yourself: orgkey daemon',
    });
  const found = configurationFile(options, context);
  const configFile =
    options.config === undefined && remembered !== undefined
      ? remembered.configFile
      : found && nameForService(found, options, context);
  const loaded = await loadFor({...options, config: configFile}, context);
  // the daemon itself tells what is wrong with a configuration
  const sockets = loaded.kind === 'loaded' ? loaded.configuration.settings.sockets : [];
  const service = await serviceFor({kind, configFile, sockets}, options, context);
  if (kind !== undefined || whereNone !== 'plain' || (await service.status()).installed)
    return {service, configFile};
  return {service: await serviceFor({kind: 'plain', configFile, sockets}, options, context), configFile};
}

function tell({kind}: Service, changes: readonly string[], done: string, {terminal}: Context): void {
  for (const change of changes) terminal.say(`  ${printable(change)}`);
  terminal.say(`service: ${kind}, ${done}`);
}

const DONE = {start: 'runs', stop: 'stopped', restart: 'runs'} as const;
