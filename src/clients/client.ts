import type {WantedLine} from './text-edit.ts';
import type {Environment} from '../text/environment.ts';

/** What a tool's configuration is made from. Paths are absolute. */
export interface ClientWorld {
  readonly environment: Environment;
  readonly home: string;
  /** The folder of our scripts. */
  readonly scripts: string;
  /** A folder of the user for links to them. */
  readonly links: string;
  /** The organizations of Azure DevOps Services that the configuration names. */
  readonly organizations: readonly string[];
}

/** A tool that can ask orgkey for itself. */
export interface Client {
  readonly name: string;
  /** The programs that show that it is installed. */
  readonly programs: readonly string[];
  readonly want: (world: ClientWorld) => Wanted;
  /** Returns what of the user's surroundings would win over our configuration, in words. */
  readonly rivals: (world: ClientWorld) => Promise<readonly string[]>;
}

/** What must be there, so that a tool asks orgkey. */
interface Wanted {
  readonly files: readonly {readonly path: string; readonly lines: readonly WantedLine[]}[];
  /** Links to our scripts. */
  readonly links: readonly {readonly path: string; readonly target: string}[];
  /** What only the user can do: half a sentence with a command. */
  readonly left: readonly string[];
}
