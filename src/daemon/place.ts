import {join} from 'node:path';
import {machineFiles} from '../places/file-facts.ts';
import {homeDirectory} from '../places/home-directory.ts';
import {runtimeDirectoryToMake, stateDirectory, type Surrounding} from '../places/paths.ts';
import {claimPassage, claimPrivate} from './claim.ts';

/** `orgkey daemon`'s options; what is not given comes from the environment, then from the defaults. */
export interface DaemonOptions {
  readonly config: string | undefined;
  readonly runtimeDir: string | undefined;
  readonly stateDir: string | undefined;
  readonly logLevel: string | undefined;
}

/** Where a daemon lives, and as whom. */
export interface Place {
  readonly surrounding: Surrounding;
  readonly uid: number;
  /** The runtime directory. */
  readonly directory: string;
  /** A person named it, and answers for it. */
  readonly isNamed: boolean;
  /** The state directory. */
  readonly state: string;
}

export function placeFor(options: DaemonOptions, environment: NodeJS.ProcessEnv): Place {
  const uid = process.geteuid?.() ?? 0;
  const surrounding = {environment, uid, home: homeDirectory(environment)};
  return {
    surrounding,
    uid,
    directory: runtimeDirectoryToMake(surrounding, {flag: options.runtimeDir, files: machineFiles}),
    isNamed: options.runtimeDir !== undefined || Boolean(environment['ORGKEY_RUNTIME_DIR']),
    state: stateDirectory(surrounding, options.stateDir),
  };
}

/** Makes its directories, or checks those that are there. @throws {ClaimError} */
export function claimPlace({directory, isNamed, state}: Place): void {
  claimPassage(directory, {named: isNamed});
  claimPrivate(join(directory, 'control'));
  claimPrivate(join(directory, 'ssh'));
  claimPrivate(state);
}
