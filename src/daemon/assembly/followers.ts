import type {Configuration} from '../../config/configuration.ts';
import type {Grants} from '../../ssh/grant/grants.ts';
import type {Follower} from '../apply-configuration.ts';
import type {GatewaySide} from '../gateway/gateway-side.ts';
import type {AuditTrail} from '../record/audit-trail.ts';
import type {Log} from '../record/log.ts';
import {recorderOf} from '../record/record-configuration.ts';
import type {SocketGuard} from '../socket-guard.ts';
import type {SideServers} from '../status/side-servers.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import type {TokenSupply} from '../supply/token-supply.ts';

interface FollowerParts {
  /** The runtime directory. */
  readonly directory: string;
  readonly inForce: ConfigurationInForce;
  readonly supply: Pick<TokenSupply, 'tokens' | 'takeUpLogins'>;
  readonly guard: Pick<SocketGuard, 'followConfiguration'>;
  readonly gateways: Pick<GatewaySide, 'followConfiguration'>;
  readonly grants: Pick<Grants, 'followConfiguration'>;
  readonly side: SideServers;
  readonly audit: Pick<AuditTrail, 'note'>;
  readonly loadControl: () => Promise<{readonly metrics: () => string}>;
  readonly log: Log;
  /** Keeps a configuration for the next start. It reports its own failures. */
  readonly keep: (configuration: Configuration) => Promise<void>;
}

/** Returns every part of the daemon that follows the configuration, in the order in which they do. */
export function followersOf(parts: FollowerParts): readonly Follower[] {
  const {inForce, supply, guard, gateways, grants, side, loadControl, keep, audit} = parts;
  const {tokens} = supply;
  const recordChange = recorderOf(audit);
  return [
    {name: 'audit', isBeforeGit: true, follow: (reading) => recordChange(reading, inForce)},
    {
      name: 'tokens',
      isBeforeGit: true,
      follow: () => tokens.keepOnly(inForce.bindings.all.map(({identity}) => identity)),
    },
    {
      name: 'scoped sockets',
      isBeforeGit: true,
      // with an invalid configuration too: a git may wait in front of a socket that systemd holds
      follow: () => guard.followConfiguration(),
    },
    {
      name: 'prefetch',
      isBeforeGit: true,
      follow({isNew}) {
        // not awaited: requests come first, and failures are in the status
        if (isNew && inForce.configuration.settings.prefetch) void tokens.prefetch(inForce.wanted());
      },
    },
    {name: 'ssh keys', isBeforeGit: true, follow: () => grants.followConfiguration()},
    {
      name: 'logins',
      isBeforeGit: true,
      follow: async () => (inForce.persistsLogins ? supply.takeUpLogins() : undefined),
    },
    {
      name: 'kept configuration',
      isBeforeGit: false,
      follow: async () => (inForce.isKept ? undefined : keep(inForce.configuration)),
    },
    {name: 'client files', isBeforeGit: false, follow: placeFiles},
    {name: 'gateways', isBeforeGit: false, follow: () => gateways.followConfiguration()},
    {
      name: 'metrics',
      isBeforeGit: false,
      follow: () => side.serve('metrics', inForce.configuration.settings.metrics.listen, openMetrics),
    },
  ];

  async function placeFiles() {
    if (inForce.configuration.settings.sockets.length === 0) return;
    const {placeClientFiles} = await import('../git/client-files.ts');
    placeClientFiles(parts.directory, inForce.configuration, parts.log);
  }

  async function openMetrics(listen: string) {
    const {serveMetrics} = await import('../status/serve-metrics.ts');
    const {metrics} = await loadControl();
    return serveMetrics(listen, metrics);
  }
}
