import {clientConfiguration, reachOf} from '../../../gateway/door/client-configuration.ts';
import {helperValue} from '../../../git/setting.ts';
import {parseRepositoryPattern} from '../../../gateway/rule/rule.ts';
import {CommandError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {withDaemon} from '../../find-daemon.ts';
import {scriptsForGit} from '../../setup/place-scripts.ts';

interface ConfigOptions extends Places {
  readonly name: string;
  /** The lines for a container, whose paths are below `/run/orgkey`. */
  readonly container: boolean;
  /** The lines for clients that cannot reach a socket. */
  readonly tcp: boolean;
}

/** Runs `orgkey gateway config`: prints the lines of git's configuration that lead a client to the gateway. */
export async function showClientConfiguration(options: ConfigOptions, context: Context): Promise<ExitCode> {
  const {name, container, tcp} = options;
  const {gateways} = await withDaemon(options, context, (daemon) => daemon.call('status', undefined));
  const gateway = gateways.find((one) => one.name === name);
  if (gateway === undefined)
    throw new CommandError(EXIT.unhealthy, `no gateway has the name ${name}`, {
      hint: 'run: orgkey gateway list',
    });
  const repositories = gateway.repositories.flatMap((text) => parseRepositoryPattern(text) ?? []);
  const reach = reachOf({repositories});
  const {terminal} = context;
  if (!tcp) {
    const socket = container ? '/run/orgkey/gateway.sock' : gateway.path;
    terminal.write(clientConfiguration(reach, {socket}));
    return EXIT.ok;
  }
  const authority = gateway.listen;
  if (authority === undefined)
    throw new CommandError(EXIT.unhealthy, `the gateway ${name} has no TCP port`, {
      hint: 'set `listen` of the gateway: orgkey config edit',
    });
  const helper = container ? '/run/orgkey/git-credential-orgkey' : scriptsForGit({}, context).helper;
  terminal.write(clientConfiguration(reach, {authority, helper: helperValue(helper)}));
  return EXIT.ok;
}
