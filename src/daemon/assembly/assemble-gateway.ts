import type {AnswerParts} from '../../answer/answer.ts';
import {hostnameOf} from '../../organization/owner.ts';
import {GatewaySide} from '../gateway/gateway-side.ts';
import {GatewaySupply} from '../gateway/gateway-supply.ts';
import {reportCarried} from '../gateway/report-carried.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import type {GitSide} from './assemble-git.ts';
import {elapsed} from '../elapsed.ts';
import type {Logging} from './assemble-log.ts';

interface GatewayParts {
  readonly directory: string;
  readonly inherited: ReadonlyMap<string, number>;
  readonly environment: NodeJS.ProcessEnv;
  readonly inForce: ConfigurationInForce;
  readonly logging: Logging;
  readonly git: GitSide;
}

/** Makes what carries requests for clients. Nothing is opened yet. */
export function assembleGateway({git, inForce, logging, ...parts}: GatewayParts): GatewaySide {
  const {audit, current, idle, proofOf} = git;
  return new GatewaySide({
    ...parts,
    settings: () => inForce.configuration.settings.gateways,
    sockets: () => inForce.configuration.settings.sockets,
    supplyFor: (name) => new GatewaySupply(scopeOf(name), {current, problem: () => audit.problem()}),
    hosts: () => servedHosts(current),
    serversAt: (host) => current().bindings.serversAt(host),
    proofOf,
    now: elapsed,
    carried(gateway, event) {
      idle.note();
      reportCarried(gateway, event, {audit, log: logging.log, now: Date.now});
    },
  });
}

/** Clients of a gateway share what they forced and were rejected, apart from those of other sockets. */
function scopeOf(name: string) {
  return {name: `gateway-${name}`, organizations: new Set<string>()};
}

function servedHosts(current: () => AnswerParts): ReadonlySet<string> {
  return new Set(
    current()
      .bindings.all.map(({host}) => hostnameOf(host))
      .filter((host) => host !== '*'),
  );
}
