import {createServer} from 'node:net';
import {addGateway, removeGateway} from '../../config/edit/edit-gateways.ts';
import type {Configuration} from '../../config/configuration.ts';
import {gitHere} from '../../git/run-git.ts';
import {readGitVersion, takesSocketProxy} from '../../git/version.ts';
import {printable} from '../../text/printable.ts';
import {CommandError, usageError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {homeOf} from '../locate.ts';
import {checkNewText} from './check-new-text.ts';
import {OWN_GATEWAY, patternFor} from './own-gateway.ts';
import type {PlannedConfiguration, SetupOptions} from './plan-configuration.ts';

/**
 * Adds the gateway for the user's own git to a planned configuration, extends it, or removes it, as the options say.
 * @throws {CommandError} if the result would be invalid, or the text cannot be changed safely.
 */
export async function planOwnGateway(
  planned: PlannedConfiguration,
  options: SetupOptions,
  context: Context,
): Promise<PlannedConfiguration> {
  const isWanted = wishIn(options);
  if (isWanted === undefined) return planned;
  const {path, was, configuration} = planned;
  const before = planned.text ?? was?.toString('utf8') ?? '';
  const has = configuration.settings.gateways.some(({name}) => name === OWN_GATEWAY);
  const text = isWanted ? await withOwn(before, configuration, context) : withoutOwn(before, has, path);
  if (text === before) return planned;
  const known = was === undefined ? undefined : configuration.problems;
  const next = await checkNewText(text, {path, before: known, starters: []}, {options, context});
  return {...planned, text, configuration: next, gateway: isWanted ? (has ? 'changed' : 'added') : 'removed'};
}

/** Whether the user wants the gateway. `undefined`: the options do not say. @throws {CommandError} */
function wishIn({gateway, 'no-gateway': no, system}: SetupOptions): boolean | undefined {
  if (!gateway && !no) return undefined;
  if (gateway && no) throw usageError('--gateway and --no-gateway exclude each other');
  if (!system) return gateway;
  throw usageError(
    '--gateway is for the git of one user, not for the whole machine',
    'run it as the user, without --system',
  );
}

async function withOwn(before: string, {bindings}: Configuration, context: Context): Promise<string> {
  const repositories = bindings
    .filter(({host, identity}) => host !== '*' && identity.kind !== 'stored')
    .flatMap(({host, organizations}) =>
      (organizations.length === 0 ? ['*'] : organizations).map((organization) =>
        patternFor({host, organization}),
      ),
    );
  if (repositories.length === 0)
    throw new CommandError(EXIT.badConfiguration, 'no organization has a credential that a gateway can use', {
      hint: 'add one: orgkey org add ORGANIZATION',
    });
  const listen = (await needsPort(context)) ? {listen: `127.0.0.1:${await freePort()}`} : {};
  const gateway = {name: OWN_GATEWAY, repositories, push: ['refs/*'], deletions: true, ...listen};
  const text = addGateway(before, gateway);
  if (text !== undefined) return text;
  throw new CommandError(
    EXIT.badConfiguration,
    'the configuration was not changed: its form does not allow a safe change of the gateways',
    {hint: `add it by hand with orgkey config edit: ${printable(JSON.stringify(gateway), 300)}`},
  );
}

function withoutOwn(before: string, has: boolean, path: string): string {
  if (!has) return before;
  const text = removeGateway(before, OWN_GATEWAY);
  if (text !== undefined) return text;
  throw new CommandError(
    EXIT.badConfiguration,
    `the gateway ${OWN_GATEWAY} cannot be removed safely from ${printable(path)}`,
    {hint: 'remove it by hand: orgkey config edit'},
  );
}

/** Whether git, or Git LFS in it, cannot reach a socket. */
async function needsPort(context: Context): Promise<boolean> {
  const git = gitHere(context.environment, homeOf(context));
  if (!takesSocketProxy(await readGitVersion(git))) return true;
  return (await git(['config', '--get', 'filter.lfs.process'])).status === 0;
}

/** Returns the first of the usual ports that is free. The kernel gives none of them to clients. */
async function freePort(): Promise<number> {
  for (const port of USUAL_PORTS) if (await canOpen(port)) return port;
  return USUAL_PORTS[0];
}

function canOpen(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({host: '127.0.0.1', port}, () => server.close(() => resolve(true)));
  });
}

const USUAL_PORTS = [9468, 9478, 9488, 9498, 9508, 9518, 9528, 9538] as const;
