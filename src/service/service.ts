import type {Change} from './change.ts';
import {LaunchdService} from './launchd.ts';
import type {DaemonCommand, Machine} from './machine.ts';
import type {Outcome, ServiceStatus} from './outcome.ts';
import {PlainService} from './plain.ts';
import {SystemdService} from './systemd.ts';

export type ServiceKind = 'systemd-user' | 'systemd-system' | 'launchd' | 'plain';

/** What keeps the daemon running on this machine. No order throws for what the machine refuses: see `Outcome`. */
export interface Service {
  readonly kind: ServiceKind;
  /** Where this service has its sockets, absolute: `git.sock` lies in it. */
  readonly runtimeDirectory: string;
  /** What `install` would change now, as an outcome; no changes where it has been done. Changes nothing. */
  plan(): Promise<Outcome>;
  /** Makes it start by itself from now on, and starts it. Twice is harmless; new scoped sockets are added. */
  install(): Promise<Outcome>;
  /** What `uninstall` would change now. Changes nothing. */
  planUninstall(): Promise<readonly Change[]>;
  /**
   * Stops it and removes what `install` wrote. Harmless where it is not installed; done, with `trouble`, where the
   * manager is of no help.
   */
  uninstall(): Promise<Outcome>;
  /** Comes back when the daemon serves, or with the reason why it does not. Harmless where it runs. */
  start(): Promise<Outcome>;
  /** Comes back when what was in flight is answered and the daemon is gone. Harmless where it is not running. */
  stop(): Promise<Outcome>;
  /** Under systemd no request fails meanwhile: the sockets stay open. */
  restart(): Promise<Outcome>;
  status(): Promise<ServiceStatus>;
}

/**
 * The service that this machine can have: systemd's user manager where one answers, launchd on macOS, else a
 * detached process. `wanted` decides instead, and is not checked: `systemd-system` is only ever chosen by it.
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
