import type {Service} from '../../../service/service.ts';
import {printable} from '../../../text/printable.ts';
import {CommandError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {isRunning, withDaemon} from '../../find-daemon.ts';
import {reportProblems} from '../../read-configuration.ts';
import {requireOwnHome} from '../../require-own-home.ts';
import {orFail} from '../../setup/choose-service.ts';
import {chooseExisting, reportChanges, type ServiceOptions} from './choose.ts';

/** Runs `orgkey service start`, `stop` and `restart`. git's helper calls `start` if no daemon answers. */
export async function order(
  what: 'start' | 'stop' | 'restart',
  options: ServiceOptions,
  context: Context,
): Promise<ExitCode> {
  const {service} = await chooseExisting(options, context);
  if (service.kind !== 'systemd-system') requireOwnHome(context);
  const {changes} = orFail(await service[what]());
  if (what !== 'stop') await requireLife(service, options, context);
  reportChanges(service, changes, what === 'stop' ? 'stopped' : 'running', context);
  // git's helper calls `start`, and says itself what is wrong with the configuration
  return what === 'restart' ? reportConfiguration(service, options, context) : EXIT.ok;
}

/** Reports a configuration that is not in force. A daemon that does not answer us is not asked. */
async function reportConfiguration(service: Service, options: Places, context: Context): Promise<ExitCode> {
  const places = {...options, 'runtime-dir': service.runtimeDirectory};
  if (!(await isRunning(places, context))) return EXIT.ok;
  const {configuration} = await withDaemon(places, context, (daemon) => daemon.call('status', undefined));
  reportProblems('error', configuration.problems, context);
  return configuration.inForce === 'current' ? EXIT.ok : EXIT.badConfiguration;
}

/** systemd is content with a process, but git, which waits for this command, needs a daemon that stays alive. */
async function requireLife(service: Service, options: Places, context: Context): Promise<void> {
  const places = {...options, 'runtime-dir': service.runtimeDirectory};
  for (let waited = 0; waited < LIFE_LIMIT; waited += INTERVAL) {
    if (await isRunning(places, context)) return;
    const {state, reason} = await service.status();
    if (state === 'failed')
      throw new CommandError(
        EXIT.unhealthy,
        `the daemon ended right after its start: ${printable(reason ?? 'no reason is known')}`,
        {hint: 'run: orgkey logs'},
      );
    await context.wait(INTERVAL);
  }
}

/** In milliseconds. Users who may not ask the daemon cannot find out whether it lives, so this ends without an error. */
const LIFE_LIMIT = 2_000;
const INTERVAL = 50;
