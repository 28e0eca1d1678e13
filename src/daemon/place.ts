import {join, resolve} from 'node:path';
import {machineFiles} from '../places/file-facts.ts';
import {homeDirectory} from '../places/home-directory.ts';
import {STATE_NAMING} from '../places/make-directory.ts';
import {runtimeDirectoryToMake, stateDirectory, type Surrounding} from '../places/paths.ts';
import {claimPassage, claimPrivate} from './claim.ts';

/** The options of `orgkey daemon`. Those that are not given come from the environment, then from the defaults. */
export interface DaemonOptions {
  readonly config: string | undefined;
  readonly runtimeDir: string | undefined;
  readonly stateDir: string | undefined;
  /** `json`, `journal` or `text`. Default: what fits where stderr goes. */
  readonly logFormat?: string | undefined;
  readonly logLevel: string | undefined;
}

/** The directories and the user of a daemon. */
export interface Place {
  readonly surrounding: Surrounding;
  readonly uid: number;
  /** The runtime directory. */
  readonly directory: string;
  /** Whether the user named the runtime directory, and so takes responsibility for it. */
  readonly isNamed: boolean;
  /** The state directory. */
  readonly state: string;
}

/** Finds the directories of a daemon. Nothing is made yet. */
export function placeFor(options: DaemonOptions, environment: NodeJS.ProcessEnv): Place {
  const uid = process.geteuid?.() ?? 0;
  const surrounding = {environment, uid, home: homeDirectory(environment)};
  const directory = runtimeDirectoryToMake(surrounding, {flag: options.runtimeDir, files: machineFiles});
  // a service names the usual directory too, and clients trust no link there
  const usual = runtimeDirectoryToMake(surrounding, {flag: undefined, files: machineFiles});
  return {
    surrounding,
    uid,
    directory,
    isNamed: Boolean(environment['ORGKEY_RUNTIME_DIR']) || resolve(directory) !== resolve(usual),
    state: stateDirectory(surrounding, options.stateDir),
  };
}

/** Makes the directories, or checks the existing ones. @throws {ClaimError} */
export function claimPlace({directory, isNamed, state}: Place): void {
  claimPassage(directory, {named: isNamed});
  claimPrivate(join(directory, 'control'));
  claimPrivate(join(directory, 'ssh'));
  claimPrivate(state, STATE_NAMING);
}
