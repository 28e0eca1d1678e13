import type {ServiceSocket} from './service-sockets.ts';
import type {Environment} from '../text/environment.ts';

/** The machine and the user that a service is made for. Nothing in this room looks them up itself. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  /** Absolute. */
  readonly homeDirectory: string;
  /** The caller's variables: `XDG_…` are honored, and a plain daemon inherits all of them. */
  readonly environment: Environment;
  readonly run: RunCommand;
  /** Resolves after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

export interface DaemonCommand {
  /** Node's absolute path, usually `process.execPath`. */
  readonly node: string;
  /** The absolute path of `dist/main.js`, or of `src/main.ts` in a checkout. */
  readonly main: string;
  /** Absolute. `undefined`: the daemon searches for it. */
  readonly configFile: string | undefined;
  /** Absolute, as the daemon would choose it. A systemd service has another: see `Service.runtimeDirectory`. */
  readonly runtimeDirectory: string;
  /** Absolute. The system service has another, `/var/lib/orgkey`. */
  readonly stateDirectory: string;
  /** The sockets of the configuration that systemd binds. */
  readonly sockets: readonly ServiceSocket[];
}

/** Runs a program to its end. Does not throw if it fails or is missing: `code` is then not 0. */
export type RunCommand = (command: readonly string[], environment: Environment) => Promise<Finished>;

export interface Finished {
  /** `undefined`: it could not be started, or a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}
