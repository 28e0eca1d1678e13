import {machineFiles} from '../../places/file-facts.ts';
import {sessionDirectory} from '../../places/paths.ts';
import {printable} from '../../text/printable.ts';
import {runCommand} from '../../service/run-command.ts';
import {chooseService, type Service, type ServiceKind} from '../../service/service.ts';
import type {ServiceSocket} from '../../service/service-sockets.ts';
import type {ServiceResult} from '../../service/service-result.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {homeOf, runtimeDirectory, stateDirectory} from '../locate.ts';

interface ServiceWish {
  /** `undefined`: the one that fits the machine. */
  readonly kind: ServiceKind | undefined;
  /** Absolute. `undefined`: the daemon finds it. */
  readonly configFile: string | undefined;
  readonly sockets: readonly ServiceSocket[];
}

export function serviceFor(wish: ServiceWish, options: Places, context: Context): Promise<Service> {
  const {platform, uid, environment, program, wait} = context;
  return chooseService(
    {
      platform,
      uid,
      // a getter, because the machine's service and a plain one need no home
      get homeDirectory() {
        return homeOf(context);
      },
      // after su the variable is another user's, and under cron it is not set: systemctl would not find our manager
      environment: {...environment, XDG_RUNTIME_DIR: sessionDirectory(context, machineFiles)},
      run: runCommand,
      wait,
    },
    {
      node: program.node,
      main: program.main,
      configFile: wish.configFile,
      runtimeDirectory: runtimeDirectory(options, context),
      stateDirectory: stateDirectory(options, context),
      sockets: wish.sockets,
    },
    wish.kind,
  );
}

/** Returns the kind for `--service` and `--system`. `undefined`: the one that fits the machine. */
export function serviceKind(word: string, system: boolean): ServiceKind | 'none' | undefined {
  if (word === 'systemd') return system ? 'systemd-system' : 'systemd-user';
  if (word === 'auto') return system ? 'systemd-system' : undefined;
  return word === 'plain' || word === 'launchd' || word === 'none' ? word : undefined;
}

/** Reports what failed in an order that was done otherwise. Returns the exit code. */
export function reportWarning(warning: string | undefined, {terminal}: Context): ExitCode {
  if (warning === undefined) return EXIT.ok;
  terminal.error(printable(warning, 300));
  return EXIT.unhealthy;
}

/** Returns what was done. @throws {CommandError} if the order failed. */
export function orFail(result: ServiceResult): Extract<ServiceResult, {kind: 'done'}> {
  if (result.kind === 'done') return result;
  throw new CommandError(EXIT.unhealthy, result.message, {hint: result.hint});
}
