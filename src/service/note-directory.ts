import {noteOfDirectories} from '../places/paths.ts';
import {readText, type Change} from './change.ts';

const MOST_NOTED = 8;

/**
 * Returns the change that notes a runtime directory for processes with other variables. Those of other sandboxes, which
 * we cannot see, stay.
 */
export async function noteDirectory({
  stateDirectory,
  runtimeDirectory,
}: {
  readonly stateDirectory: string;
  readonly runtimeDirectory: string;
}): Promise<Change> {
  const path = noteOfDirectories(stateDirectory);
  const before = ((await readText(path)) ?? '').split('\n').filter((line) => line !== '');
  const lines = [...new Set([runtimeDirectory, ...before])].slice(0, MOST_NOTED);
  return {kind: 'write', path, text: `${lines.join('\n')}\n`, mode: 0o600};
}
