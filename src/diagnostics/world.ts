import type {ClientWorld} from '../clients/client.ts';
import type {Diagnostic} from './diagnostic.ts';
import type {Loaded} from '../config/configuration.ts';
import type {Status, TokenResult} from '../control/control-protocol.ts';
import type {RunGit} from '../git/run-git.ts';
import type {SeenSetting} from '../git/seen-settings.ts';
import type {Service} from '../service/service.ts';
import type {Target} from './target.ts';
import type {Environment} from '../text/environment.ts';

/** What the checks look at. The caller collects it once. */
export interface World {
  readonly version: string;
  /** Absolute paths of the scripts that git runs. */
  readonly helper: string;
  readonly sshWrapper: string;
  /** The helper as packaged; git may run a copy of it. */
  readonly packagedHelper: string;
  /** Node's version, without the `v`. */
  readonly nodeVersion: string;
  readonly platform: NodeJS.Platform;
  readonly environment: Environment;
  readonly uid: number;
  /** The current directory. Absolute. */
  readonly directory: string;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** The user's own git, in that directory. */
  readonly git: RunGit;
  /** Every setting that this git sees; empty if it could not read them, which `check-git` reports. */
  readonly settings: readonly SeenSetting[];
  /** The configuration that a daemon started from here would load. */
  readonly loaded: Loaded;
  readonly daemon: SeenDaemon;
  /** What keeps the daemon running. `undefined`: the user starts it. */
  readonly service: Pick<Service, 'kind' | 'status'> | undefined;
  /** The daemon's state directory. Absolute. */
  readonly stateDirectory: string;
  /** The records of `setup`, and of `tools install`. Absolute. */
  readonly setupDirectory: string;
  /** What tools are configured from. `undefined`: the home is not known. */
  readonly clientWorld: ClientWorld | undefined;
  readonly targets: readonly Target[];
  /** What git is tried on, with the name of its target: the URL that was given, or the remotes of this repository. */
  readonly trials: readonly Trial[];
  /** Repositories over ssh that are known here: the one that was given, and the submodules of this repository. */
  readonly sshRemotes: readonly {readonly organization: string; readonly url: string}[];
  /** How many more organizations there are that are not checked. */
  readonly left: number;
}

export interface Trial {
  /** Of the target. */
  readonly name: string;
  /** A URL, or the name of a remote. */
  readonly remote: string;
  /** The URL of the remote; it may hold a login. */
  readonly url: string;
}

/** The daemon that git would reach from here. */
export type SeenDaemon =
  | {
      readonly kind: 'running';
      /** Its runtime directory, absolute. */
      readonly directory: string;
      readonly status: Status;
      /** Returns a token for an organization, whose name `owner-named.ts` reads. */
      readonly token: (organization: string) => Promise<TokenResult>;
      /** Lets the daemon know what the organization said about that token. */
      readonly tell: (organization: string, isAccepted: boolean) => Promise<void>;
    }
  | {
      readonly kind: 'unreachable';
      /** Where it should be. `undefined`: no directory has a socket. */
      readonly directory: string | undefined;
      readonly message: string;
      readonly hint: string;
    };

/** `before`: what the checks before it found. */
export type Check = (world: World, before: readonly Diagnostic[]) => Promise<readonly Diagnostic[]>;
