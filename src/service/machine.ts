import type {SocketSettings} from '../config/configuration.ts';

/** What a service is made for: the machine, the person and the daemon. Nothing in this folder looks it up itself. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  /** Absolute. */
  readonly homeDirectory: string;
  /** The variables of whoever asks: `XDG_…` are honored, and a plain daemon inherits them. */
  readonly environment: Environment;
  readonly run: RunCommand;
  /** Comes back after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The daemon that shall run. */
export interface DaemonCommand {
  /** Node's absolute path, usually `process.execPath`. */
  readonly node: string;
  /** The absolute path of `dist/main.js`, or of `src/main.ts` in a checkout. */
  readonly main: string;
  /** Absolute. `undefined`: the daemon looks for it. */
  readonly configFile: string | undefined;
  /** Absolute, as the daemon would choose it. A systemd service has its own: see `Service.runtimeDirectory`. */
  readonly runtimeDirectory: string;
  /** Absolute. The system service has its own, `/var/lib/orgkey`. */
  readonly stateDirectory: string;
  /** The scoped sockets of the configuration: systemd binds them, so it has to know them. */
  readonly sockets: readonly SocketSettings[];
}

/** Runs a program to its end. Does not throw where it fails or is missing: `code` is then not 0. */
export type RunCommand = (command: readonly string[], environment: Environment) => Promise<Finished>;

export interface Finished {
  /** `undefined` where it could not be started or a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}
