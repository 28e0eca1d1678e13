import {randomBytes} from 'node:crypto';
import type {Configuration} from '../../config/configuration.ts';
import type {ControlHandlers} from '../../control/control-handlers.ts';
import {heldSecrets} from '../../identity/held-secrets.ts';
import type {Secret} from '../../secret/secret.ts';
import {Rejections} from '../../token/rejections.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {AppliedConfiguration} from '../apply-configuration.ts';
import {createClock} from '../clock.ts';
import type {DaemonOptions, Place} from '../place.ts';
import {ClockWatch} from '../status/clock-watch.ts';
import type {SideServers} from '../status/side-servers.ts';
import {Tally} from '../status/tally.ts';
import type {AskPeer} from '../git/peer-credentials.ts';
import type {GatewaySide} from '../gateway/gateway-side.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import {TokenSupply} from '../supply/token-supply.ts';
import {assembleConfiguration, keepConfiguration} from './assemble-configuration.ts';
import {assembleControl} from './assemble-control.ts';
import {assembleGateway} from './assemble-gateway.ts';
import {assembleGit, type GitSide} from './assemble-git.ts';
import {assembleLog, type Logging} from './assemble-log.ts';
import {assembleStatus} from './assemble-status.ts';
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
  readonly handlers: ControlHandlers;
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
  const statusSide = assembleStatus({
    environment,
    logging,
    inForce,
    supply,
    rejections,
    git,
    gateways,
    tally,
    clockWatch,
  });
  const {side, metrics} = statusSide;
  const {guard, grants, audit} = git;
  const keep = (configuration: Configuration) =>
    keepConfiguration(configuration, state).catch((error: unknown) =>
      log('warn', `the configuration cannot be kept for the next start: ${messageOf(error)}`),
    );
  const following = {directory, inForce, supply, guard, gateways, grants, side, metrics, keep, log, audit};
  const followers = followersOf(following);
  const configuration = new AppliedConfiguration({inForce, followers, log, onUnexpected});
  const reload = () => configuration.reload();
  const handlers = assembleControl({logging, inForce, supply, rejections, audit, statusSide, reload});
  return {logging, inForce, configuration, supply, git, gateways, side, handlers};
}

function* configuredSecrets(inForce: ConfigurationInForce): Iterable<Secret> {
  for (const {identity} of inForce.bindings.all) yield* heldSecrets(identity);
}
