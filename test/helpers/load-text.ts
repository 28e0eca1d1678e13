import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {Configuration, Loaded, Problem} from '../../src/config/configuration.ts';
import {loadConfiguration, type LoadOptions} from '../../src/config/load-configuration.ts';
import {scratchDirectory} from './scratch-directory.ts';

export interface LoadedText {
  readonly directory: string;
  readonly file: string;
  readonly loaded: Loaded;
}

type Options = Partial<LoadOptions> & {
  /** Files to write next to the configuration, with mode 0600. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** The mode of the configuration. Default: 0600. */
  readonly mode?: number;
};

/** Loads a text as a configuration in its own directory. */
export async function loadText(
  t: ExecutionContext,
  text: string,
  {files = {}, mode = 0o600, ...options}: Options = {},
): Promise<LoadedText> {
  const directory = scratchDirectory(t);
  const file = join(directory, 'config.yaml');
  writeFileSync(file, text, {mode});
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), {recursive: true});
    writeFileSync(join(directory, name), content, {mode: 0o600});
  }
  const loaded = await loadConfiguration({file, environment: {}, key: new Uint8Array(32), ...options});
  return {directory, file, loaded};
}

/** Returns the watched files without the pattern of those that may come to config.d. */
export function namedFiles(watched: readonly string[]): string[] {
  return watched.filter((path) => !path.endsWith('/*.yaml'));
}

/** Fails the test if the configuration is not valid. */
export function soundIn(t: ExecutionContext, {loaded}: Pick<LoadedText, 'loaded'>): Configuration {
  if (loaded.kind === 'loaded' && loaded.configuration.problems.length === 0) return loaded.configuration;
  t.log(problemsOf(loaded));
  throw new Error('the configuration is not sound');
}

/** The problems of the whole configuration, or of its parts. `12:9 message`, places without their file. */
export function problemsIn({loaded, file}: LoadedText): string[] {
  return problemsOf(loaded).map((problem) => shortened(problem, file));
}

export function problemsOf(loaded: Loaded): readonly Problem[] {
  return loaded.kind === 'loaded' ? loaded.configuration.problems : loaded.problems;
}

/** `12:9 message`, places without their file. */
export function warningsIn({loaded, file}: LoadedText): string[] {
  return loaded.kind === 'invalid'
    ? []
    : loaded.configuration.warnings.map((problem) => shortened(problem, file));
}

function shortened({place, message}: Problem, file: string): string {
  return `${place} ${message}`.replaceAll(`${file}:`, '').replaceAll(dirname(file), '.');
}
