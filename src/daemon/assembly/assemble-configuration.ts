import {join} from 'node:path';
import type {Configuration, Loaded} from '../../config/configuration.ts';
import {NO_CONFIGURATION} from '../../config/default-settings.ts';
import {decodeKept} from '../../config/keep-configuration.ts';
import {loadConfiguration, loadKept, type LoadOptions} from '../../config/load-configuration.ts';
import {readIfThere, replaceFile} from '../../files/replace-file.ts';
import {machineFiles} from '../../places/file-facts.ts';
import {configurationCandidates, configurationFile, pathsIn} from '../../places/paths.ts';
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
    recall: (source) => recall(source, parts),
    initial: NO_CONFIGURATION,
    now: Date.now,
  });
}

function load(inForce: Configuration, {place, flag, environment, key}: ConfigurationParts): Promise<Loaded> {
  const {surrounding} = place;
  return loadConfiguration({
    ...optionsFor({place, environment, key}),
    file: configurationFile(surrounding, {flag, files: machineFiles, inForce: inForce.source}),
    candidates: configurationCandidates(surrounding, flag),
    inForce,
  });
}

/** A file that is missing may have been deleted on purpose: what was kept of it is not used then. */
async function recall(source: string, parts: ConfigurationParts): Promise<Loaded | undefined> {
  if (pathsIn(source).some((path) => machineFiles.factsOf(path) === undefined)) return undefined;
  const text = await readIfThere(keptFile(parts.place.state));
  const kept = text && decodeKept(text.toString('utf8'));
  if (kept === undefined || kept.source !== source) return undefined;
  return loadKept({...optionsFor(parts), file: source}, kept);
}

/** Writes what is kept of a configuration for the next start. */
export async function keepConfiguration({kept}: Pick<Configuration, 'kept'>, state: string): Promise<void> {
  if (kept === undefined) return;
  const path = keptFile(state);
  const next = Buffer.from(kept);
  const was = await readIfThere(path);
  if (was?.equals(next) !== true)
    await replaceFile(path, {was, next, mode: 0o600, owner: 'kept-if-possible'});
}

function keptFile(state: string): string {
  return join(state, 'last-configuration.json');
}

function optionsFor({
  place: {surrounding, uid},
  environment,
  key,
}: Pick<ConfigurationParts, 'place' | 'environment' | 'key'>): Omit<LoadOptions, 'file'> {
  const {home} = surrounding;
  return {environment, uid, workingDirectory: process.cwd(), home, key, unknownKeys: 'warning'};
}
