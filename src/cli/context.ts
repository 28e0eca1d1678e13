import type {Terminal} from './terminal.ts';

/** What every command gets: the world around it, looked up once, in main.ts. */
export interface Context {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  /** Absolute. `undefined`: nobody knows one. Whoever needs it asks `homeOf`. */
  readonly home: string | undefined;
  /** Absolute: relative paths of options are taken from here. */
  readonly directory: string;
  /** Where drafts may be made. Absolute. */
  readonly temporary: string;
  readonly program: Program;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** Comes back after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

/** The orgkey that runs. Paths are absolute. */
export interface Program {
  readonly version: string;
  /** Node itself. */
  readonly node: string;
  /** `dist/main.js`, or `src/main.ts` in a checkout. */
  readonly main: string;
  /** `git-credential-orgkey`, beside the program when installed, in `src/shell/` in a checkout. */
  readonly helper: string;
  /** `orgkey-ssh`, likewise. */
  readonly sshWrapper: string;
  /** The JSON Schema of the configuration. `undefined` in a checkout: `orgkey config schema` prints it. */
  readonly schema: string | undefined;
}

/** Options that every command takes. */
export interface Places {
  readonly config?: string | undefined;
  readonly 'runtime-dir'?: string | undefined;
  readonly 'state-dir'?: string | undefined;
}
