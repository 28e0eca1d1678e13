import type {SocketSettings} from '../../config/configuration.ts';
import {printable} from '../../text/printable.ts';
import {runCommand} from '../../service/run-command.ts';
import {chooseService, type Service, type ServiceKind} from '../../service/service.ts';
import type {ServiceResult} from '../../service/service-result.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {homeOf, runtimeDirectory, stateDirectory} from '../locate.ts';

interface ServiceWish {
  /** `undefined`: what the machine has. */
  readonly kind: ServiceKind | undefined;
  /** Absolute. `undefined`: the daemon looks for it. */
  readonly configFile: string | undefined;
  readonly sockets: readonly SocketSettings[];
}

/** The service of this machine, for this program. */
export function serviceFor(wish: ServiceWish, options: Places, context: Context): Promise<Service> {
  const {platform, uid, environment, program, wait} = context;
  return chooseService(
    {
      platform,
      uid,
      // the machine's service and a plain one do without
      get homeDirectory() {
        return homeOf(context);
      },
      environment,
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

/** The word of `--service`, with `--system`. `undefined`: what the machine has. */
export function serviceKind(word: string, system: boolean): ServiceKind | 'none' | undefined {
  if (word === 'systemd') return system ? 'systemd-system' : 'systemd-user';
  if (word === 'auto') return system ? 'systemd-system' : undefined;
  return word === 'plain' || word === 'launchd' || word === 'none' ? word : undefined;
}

/** Of an order that was done all the same. Gives the exit code. */
export function tellWarning(warning: string | undefined, {terminal}: Context): ExitCode {
  if (warning === undefined) return EXIT.ok;
  terminal.error(printable(warning, 300));
  return EXIT.unhealthy;
}

/** @throws {CommandError} where the order failed. */
export function orFail(outcome: ServiceResult): Extract<ServiceResult, {kind: 'done'}> {
  if (outcome.kind === 'done') return outcome;
  throw new CommandError(EXIT.unhealthy, outcome.message, {hint: outcome.hint});
}
