import type {Terminal} from './terminal.ts';
import type {Environment} from '../text/environment.ts';

/** The world around a command, which main.ts looks up once. */
export interface Context {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  /** Absolute. `undefined`: unknown; `homeOf` reports that. */
  readonly home: string | undefined;
  /** Absolute. Relative paths in options start here. */
  readonly directory: string;
  /** The directory for temporary files. Absolute. */
  readonly temporary: string;
  readonly program: Program;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** Resolves after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

/** The orgkey that runs. Paths are absolute. */
export interface Program {
  readonly version: string;
  /** Node itself. */
  readonly node: string;
  /** `dist/main.js`, or `src/main.ts` in a checkout. */
  readonly main: string;
  /** `git-credential-orgkey`: next to the program if installed, in `src/shell/` in a checkout. */
  readonly helper: string;
  /** `orgkey-ssh`, likewise. */
  readonly sshWrapper: string;
  /** The JSON Schema of the configuration. `undefined` in a checkout: `orgkey config schema` prints it. */
  readonly schema: string | undefined;
}

/** The options that every command takes. */
export interface Places {
  readonly config?: string | undefined;
  readonly 'runtime-dir'?: string | undefined;
  readonly 'state-dir'?: string | undefined;
}
