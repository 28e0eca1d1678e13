import type {Configuration, Loaded} from '../../config/configuration.ts';
import {NO_CONFIGURATION} from '../../config/default-settings.ts';
import {loadConfiguration} from '../../config/load-configuration.ts';
import {machineFiles} from '../../places/file-facts.ts';
import {configurationCandidates, configurationFile} from '../../places/paths.ts';
import type {Place} from '../place.ts';
import {ConfigurationInForce} from '../supply/configuration-in-force.ts';

interface ConfigurationParts {
  readonly place: Place;
  /** `--config`. */
  readonly flag: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** Random bytes of this process, by which identities are hashed. */
  readonly key: Uint8Array;
}

/** Makes the configuration in force. Nothing is read yet. */
export function assembleConfiguration(parts: ConfigurationParts): ConfigurationInForce {
  return new ConfigurationInForce({
    load: (inForce) => load(inForce, parts),
    initial: NO_CONFIGURATION,
    now: Date.now,
  });
}

function load(inForce: Configuration, {place, flag, environment, key}: ConfigurationParts): Promise<Loaded> {
  const {surrounding, uid} = place;
  return loadConfiguration({
    file: configurationFile(surrounding, {flag, files: machineFiles, inForce: inForce.source}),
    candidates: configurationCandidates(surrounding, flag),
    inForce,
    environment,
    uid,
    workingDirectory: process.cwd(),
    home: surrounding.home,
    key,
    unknownKeys: 'warning',
  });
}
