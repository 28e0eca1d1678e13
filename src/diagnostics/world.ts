import type {Diagnostic} from './diagnostic.ts';
import type {Loaded} from '../config/configuration.ts';
import type {Status, TokenResult} from '../control/control-protocol.ts';
import type {RunGit} from '../git/run-git.ts';
import type {SeenSetting} from '../git/seen-settings.ts';
import type {Service} from '../service/service.ts';
import type {Target} from './target.ts';

/** What the checks look at, and with what; all of it is looked up once, by whoever runs them. */
export interface World {
  readonly version: string;
  /** Absolute paths of what git runs. */
  readonly helper: string;
  readonly sshWrapper: string;
  /** The first of them as the package brought it, of which git may run a copy. */
  readonly packagedHelper: string;
  /** Node's, without the `v`. */
  readonly nodeVersion: string;
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Where the person is: the repository, if it is one. Absolute. */
  readonly directory: string;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** The person's own git, in that directory. */
  readonly git: RunGit;
  /** Every setting that this git sees; none where it could not read them, which `check-git` tells. */
  readonly settings: readonly SeenSetting[];
  /** What a daemon started from here would load. */
  readonly loaded: Loaded;
  readonly daemon: SeenDaemon;
  /** What keeps the daemon running; `undefined`: the person himself. */
  readonly service: Pick<Service, 'kind' | 'status'> | undefined;
  /** Where the state of the daemon lies. Absolute. */
  readonly stateDirectory: string;
  /** Whom to ask end to end. */
  readonly targets: readonly Target[];
  /** How many more there are that are not asked. */
  readonly left: number;
}

/** The daemon that git would reach from here. */
export type SeenDaemon =
  | {
      readonly kind: 'running';
      /** Its runtime directory, absolute. */
      readonly directory: string;
      readonly status: Status;
      /** A token for an organization, as `owner-named.ts` reads it. */
      readonly token: (organization: string) => Promise<TokenResult>;
    }
  | {
      readonly kind: 'unreachable';
      /** Where it should be; `undefined`: no directory has a socket. */
      readonly directory: string | undefined;
      readonly message: string;
      readonly hint: string;
    };

export type Check = (world: World) => Promise<readonly Diagnostic[]>;
