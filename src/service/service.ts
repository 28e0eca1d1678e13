import type {Change} from './change.ts';
import {LaunchdService} from './launchd.ts';
import type {DaemonCommand, Machine} from './machine.ts';
import type {ServiceResult, ServiceStatus} from './service-result.ts';
import {PlainService} from './plain.ts';
import {SystemdService} from './systemd.ts';

export type ServiceKind = 'systemd-user' | 'systemd-system' | 'launchd' | 'plain';

/** What keeps the daemon running on this machine. Orders do not throw: see `ServiceResult`. */
export interface Service {
  readonly kind: ServiceKind;
  /** The directory of this service's sockets, absolute; it holds `git.sock`. */
  readonly runtimeDirectory: string;
  /** Returns what `install` would change now, as a result. Changes nothing. */
  plan(): Promise<ServiceResult>;
  /** Makes the daemon start automatically, and starts it. Harmless if repeated; adds new scoped sockets. */
  install(): Promise<ServiceResult>;
  /** Returns what `uninstall` would change now. Changes nothing. */
  planUninstall(): Promise<readonly Change[]>;
  /**
   * Stops the daemon and removes what `install` wrote. Harmless if it is not installed. If the manager does not answer,
   * the result is done with a `warning`.
   */
  uninstall(): Promise<ServiceResult>;
  /** Resolves when the daemon serves, or with the reason why it does not. Harmless if it is running. */
  start(): Promise<ServiceResult>;
  /** Resolves when requests in flight are answered and the daemon has ended. Harmless if it is not running. */
  stop(): Promise<ServiceResult>;
  /** Under systemd the sockets stay open, and no request fails. */
  restart(): Promise<ServiceResult>;
  status(): Promise<ServiceStatus>;
}

/**
 * Returns the service for this machine: systemd's user manager if it answers, launchd on macOS, otherwise a detached
 * process. `wanted` overrides this without a check, and is the only way to `systemd-system`.
 */
export async function chooseService(
  machine: Machine,
  daemon: DaemonCommand,
  wanted?: ServiceKind,
): Promise<Service> {
  const kind = wanted ?? (await kindFor(machine));
  switch (kind) {
    case 'systemd-user':
      return new SystemdService('user', machine, daemon);
    case 'systemd-system':
      return new SystemdService('system', machine, daemon);
    case 'launchd':
      return new LaunchdService(machine, daemon);
    case 'plain':
      return new PlainService(machine, daemon);
  }
}

async function kindFor({platform, run, environment}: Machine): Promise<ServiceKind> {
  if (platform === 'darwin') return 'launchd';
  if (platform !== 'linux') return 'plain';
  const answer = await run(['systemctl', '--user', 'show', '--property=Version'], environment);
  return answer.code === 0 ? 'systemd-user' : 'plain';
}
