import {runPlugin} from './nuget/run-plugin.ts';

/** Runs `orgkey helper NAME`: a tool's own protocol on standard input and output. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const [, name, ...words] = argv;
  if (name === 'nuget' && words.length === 1 && words[0]?.toLowerCase() === '-plugin') {
    runPlugin();
    return 0;
  }
  process.stderr.write('orgkey: error: usage: orgkey helper nuget -Plugin\n');
  return 2;
}
