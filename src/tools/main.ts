import type {ClientScript} from '../places/client-scripts.ts';
import {runPlugin} from './nuget/run-plugin.ts';

/** The helpers in shell. Tools start them under names of their own, which is faster. */
export const SCRIPTS: ReadonlyMap<string | undefined, ClientScript> = new Map([
  ['bazel', 'orgkey-bazel-helper'],
  ['cargo', 'cargo-credential-orgkey'],
  ['goauth', 'orgkey-goauth'],
  ['keyring', 'keyring/keyring'],
  ['pnpm', 'orgkey-token'],
]);

/** Runs `orgkey helper NAME`: a tool's own protocol on standard input and output. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const [, name, ...words] = argv;
  if (name === 'nuget' && words.length === 1 && words[0]?.toLowerCase() === '-plugin') {
    runPlugin();
    return 0;
  }
  const script = SCRIPTS.get(name);
  if (script !== undefined) {
    const {runScript} = await import('./run-script.ts');
    return runScript(script, words);
  }
  const names = [...SCRIPTS.keys(), 'nuget -Plugin'].join(' | ');
  process.stderr.write(`orgkey: error: usage: orgkey helper ${names}\n`);
  return 2;
}
