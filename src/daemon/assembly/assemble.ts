import {randomBytes} from 'node:crypto';
import type {Configuration} from '../../config/configuration.ts';
import {heldSecrets} from '../../identity/held-secrets.ts';
import type {Secret} from '../../secret/secret.ts';
import {Rejections} from '../../token/rejections.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {AppliedConfiguration} from '../apply-configuration.ts';
import {createClock} from '../clock.ts';
import type {DaemonOptions, Place} from '../place.ts';
import type {Log} from '../record/log.ts';
import {ClockWatch} from '../status/clock-watch.ts';
import {SideServers} from '../status/side-servers.ts';
import {Tally} from '../status/tally.ts';
import type {AskPeer} from '../git/peer-credentials.ts';
import type {GatewaySide} from '../gateway/gateway-side.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import {TokenSupply} from '../supply/token-supply.ts';
import {assembleConfiguration, keepConfiguration} from './assemble-configuration.ts';
import type {assembleControl} from './assemble-control.ts';
import {assembleGateway} from './assemble-gateway.ts';
import {assembleGit, type GitSide} from './assemble-git.ts';
import {assembleLog, type Logging} from './assemble-log.ts';
import {followersOf} from './followers.ts';

/** The parts that the life of a daemon deals with. */
export interface Assembly {
  readonly logging: Logging;
  readonly inForce: ConfigurationInForce;
  readonly configuration: AppliedConfiguration;
  readonly supply: TokenSupply;
  readonly git: GitSide;
  readonly gateways: GatewaySide;
  readonly side: SideServers;
  /** Loads what answers the command line, for which git does not wait. */
  readonly loadControl: () => Promise<ReturnType<typeof assembleControl>>;
}

interface AssemblyParts {
  readonly askPeer: AskPeer;
  readonly place: Place;
  readonly options: DaemonOptions;
  readonly environment: NodeJS.ProcessEnv;
  /** The sockets that systemd passed: file descriptors by name. */
  readonly inherited: ReadonlyMap<string, number>;
}

/** Makes the parts and joins them. Nothing is opened, read or started yet. */
export function assemble(parts: AssemblyParts): Assembly {
  const {place, options, environment, inherited} = parts;
  const {uid, state} = place;
  const key = randomBytes(32);
  const clock = createClock();
  const clockWatch = new ClockWatch(clock);
  const tally = new Tally();
  const logging = assembleLog(options, environment);
  const {log, onUnexpected} = logging;
  const rejections = new Rejections(clock, (owner) =>
    log('info', `${owner}: Azure DevOps accepts the credential again`),
  );
  const inForce = assembleConfiguration({place, flag: options.config, environment, key});
  logging.liveSecrets.add(() => configuredSecrets(inForce));
  const observe = clockWatch.note.bind(clockWatch);
  const supply = new TokenSupply({environment, state, uid, clock, key, inForce, log, onUnexpected, observe});
  logging.liveSecrets.add(() => supply.tokens.secrets());
  logging.liveSecrets.add(() => supply.logins.secrets());
  const git = assembleGit({
    ...parts,
    key,
    logging,
    inForce,
    supply,
    rejections,
    tally,
    gateway: (request, scope) => gateways.answer(request, scope),
  });
  const {directory} = place;
  const gateways = assembleGateway({directory, inherited, environment, inForce, logging, git});
  const side = new SideServers(log);
  const {guard, grants, audit} = git;
  const keep = keeper(state, log);
  const reload = () => configuration.reload();
  const reporting = {environment, logging, inForce, supply, rejections, git, gateways, tally, clockWatch};
  const loadControl = controlLoader({...reporting, side, startedAt: Date.now(), audit, reload});
  const following = {
    directory,
    inForce,
    supply,
    guard,
    gateways,
    grants,
    side,
    loadControl,
    keep,
    log,
    audit,
  };
  const followers = followersOf(following);
  const configuration = new AppliedConfiguration({inForce, followers, log, onUnexpected});
  return {logging, inForce, configuration, supply, git, gateways, side, loadControl};
}

function keeper(state: string, log: Log): (configuration: Configuration) => Promise<void> {
  return async function keep(configuration) {
    try {
      await keepConfiguration(configuration, state);
    } catch (error) {
      log('warn', `the configuration cannot be kept for the next start: ${messageOf(error)}`);
    }
  };
}

/** Returns what loads the answers to the command line, for which git does not wait. */
function controlLoader(parts: Parameters<typeof assembleControl>[0]): Assembly['loadControl'] {
  return async function loadControl() {
    const control = await import('./assemble-control.ts');
    return control.assembleControl(parts);
  };
}

function* configuredSecrets(inForce: ConfigurationInForce): Iterable<Secret> {
  for (const {identity} of inForce.bindings.all) yield* heldSecrets(identity);
}
