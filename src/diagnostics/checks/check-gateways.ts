import {lstat, stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {GatewayStatus} from '../../control/control-protocol.ts';
import {describeOrigin, partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {parseGitVersion, takesSocketProxy} from '../../git/version.ts';
import {askSocket} from '../../places/ask-socket.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {leadsToSocket, portOf} from '../gateway-address.ts';
import type {World} from '../world.ts';
import {decodeOnce} from '../../text/decode-once.ts';
import type {Environment} from '../../text/environment.ts';

const {ok, warning, failed} = diagnosticsOf('gateways');

/** Checks the gateways of the daemon, and whether this git reaches those to which its settings lead it. */
export async function checkGateways({
  daemon,
  git,
  settings,
  environment,
}: Pick<World, 'daemon' | 'git' | 'settings' | 'environment'>): Promise<readonly Diagnostic[]> {
  const open = daemon.kind === 'running' ? daemon.status.gateways : [];
  const faults = (await Promise.all(open.map(checkGateway))).filter((one) => one !== undefined);
  const used = settings.filter(isProxied);
  const sound =
    open.length === 0 || faults.length > 0
      ? []
      : [ok('listeners', `${open.map(({name}) => name).join(', ')}: reachable, with their gitconfig`)];
  return [
    ...sound,
    ...faults,
    ...(used.length === 0 ? [] : await checkClient(git, environment)),
    ...(await checkPlaces(used)),
    ...checkPorts(settings, open, daemon.kind === 'running'),
  ];
}

async function checkGateway({name, path}: GatewayStatus): Promise<Diagnostic | undefined> {
  const shown = printable(path, 200);
  const answer = await askSocket(path, GREETING);
  if (answer.kind !== 'answered' || answer.text !== GREETED)
    return failed(
      'listeners',
      answer.kind === 'absent'
        ? `no process listens on ${shown}`
        : `what listens on ${shown} does not answer as a gateway`,
      'orgkey service restart',
    );
  const file = join(dirname(path), 'gitconfig');
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined || facts.size === 0)
    return failed(
      'gitconfig',
      `the gateway ${name} has no lines for its clients: ${printable(file, 200)} is ${facts === undefined ? 'missing' : 'empty'}`,
      'orgkey service restart',
    );
  return undefined;
}

/** The first message of SOCKS5, and the answer that needs no authentication. */
const GREETING = '\u0005\u0001\u0000';
const GREETED = '\u0005\u0000';

/** What keeps this git from every socket. */
async function checkClient(git: World['git'], environment: Environment): Promise<readonly Diagnostic[]> {
  const version = parseGitVersion((await git(['version'])).stdout);
  const found: Diagnostic[] = [];
  if (version !== undefined && !takesSocketProxy(version))
    found.push(
      failed(
        'version',
        `git ${version.text} cannot reach a gateway's socket, to which its settings lead`,
        'install git 2.47 or later\nor set `listen` of the gateway, and use the lines of orgkey gateway config NAME --tcp',
      ),
    );
  const name = ['no_proxy', 'NO_PROXY'].find((one) => isExempt(environment[one] ?? ''));
  if (name !== undefined)
    found.push(
      failed(
        name,
        `${name} keeps git from the gateway: ${printable(environment[name] ?? '', 100)}`,
        `unset ${name}`,
      ),
    );
  const lfs = await git(['config', '--get', 'filter.lfs.process']);
  if (lfs.status === 0)
    found.push(
      warning(
        'Git LFS',
        'Git LFS cannot reach the socket of a gateway, so clones with large files fail',
        'set `listen` of the gateway: orgkey config edit\nand use the lines of orgkey gateway config NAME --tcp',
      ),
    );
  return found;
}

/** Whether a list of hosts without proxy has the hosts of gateways. */
function isExempt(list: string): boolean {
  return list
    .split(/[\s,]+/)
    .some((entry) => entry === '*' || /^(?:.*\.)?orgkey\.invalid$|^\.?invalid$/i.test(entry));
}

function isProxied({key, value}: SeenSetting): boolean {
  const {section, between = '', name} = partsOfKey(key);
  return section === 'http' && name === 'proxy' && leadsToSocket(between) && value.startsWith(PROXY);
}

const PROXY = 'socks5h://localhost/';

/** Checks the sockets to which git's settings lead. */
async function checkPlaces(used: readonly SeenSetting[]): Promise<readonly Diagnostic[]> {
  const places = new Map(used.map((setting) => [socketOf(setting), setting]));
  const found: Diagnostic[] = [];
  for (const [path, setting] of places) {
    const facts = await lstat(path).catch(() => undefined);
    const answer = await askSocket(path, GREETING);
    if (answer.kind === 'answered' && answer.text === GREETED) continue;
    const why = facts === undefined ? 'which does not exist' : 'on which no gateway answers';
    const where = describeOrigin(setting);
    found.push(
      failed(
        'settings',
        `git is led to ${printable(path, 200)}, ${why} (${where})`,
        'orgkey service start\nor, if the gateway was removed: orgkey setup',
      ),
    );
  }
  return found.length === 0 && places.size > 0
    ? [ok('settings', `git is led to ${[...places.keys()].map((path) => printable(path, 200)).join(', ')}`)]
    : found;
}

function socketOf({value}: SeenSetting): string {
  const path = value.slice(PROXY.length - 1);
  return decodeOnce(path) ?? path;
}

/** Checks the ports to which git's settings lead. */
function checkPorts(
  settings: readonly SeenSetting[],
  open: readonly GatewayStatus[],
  isRunning: boolean,
): readonly Diagnostic[] {
  const ports = new Map<string, SeenSetting>();
  for (const setting of settings) {
    const {section, between = '', name} = partsOfKey(setting.key);
    const port = portOf(between);
    if (section === 'url' && name === 'insteadof' && port !== undefined) ports.set(port, setting);
  }
  return [...ports].flatMap(([port, setting]) =>
    !isRunning || open.some(({listen}) => listen === port)
      ? []
      : failed(
          'settings',
          `git is led to ${port}, where no gateway listens (${describeOrigin(setting)})`,
          `run: orgkey setup\nor take the lines out: git config --global --remove-section ${shellWord(`url.${partsOfKey(setting.key).between ?? ''}`)}`,
        ),
  );
}
