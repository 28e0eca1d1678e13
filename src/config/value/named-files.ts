import {resolve} from 'node:path';
import {absolutePath} from '../../places/paths.ts';
import {valueAt, type Written, type WrittenMap} from '../text/written.ts';
import {substitute} from './substitute.ts';
import type {Environment} from '../../text/environment.ts';

export interface NamingSurroundings {
  /** Relative paths begin in the directory of the file that an offset is in. */
  readonly directoryOf: (at: number) => string;
  /** Paths that begin with `~/` begin there. */
  readonly home: string | undefined;
  readonly environment: Environment;
}

/** Returns the absolute paths of the files that values come from, so that they can be read beforehand. */
export function filesNamedIn(written: Written | undefined, surroundings: NamingSurroundings): string[] {
  switch (written?.kind) {
    case 'list':
      return written.items.flatMap((item) => filesNamedIn(item, surroundings));
    case 'map': {
      const path = fileNamedIn(written, surroundings);
      if (path !== undefined) return [path];
      return [...written.entries.values()].flatMap(({value}) => filesNamedIn(value, surroundings));
    }
    case 'text':
    case 'number':
    case 'flag':
    case 'nothing':
    case undefined:
      return [];
  }
}

/** Returns the absolute path of the file that a value comes from. `undefined`: it comes from elsewhere. */
export function fileNamedIn(
  map: WrittenMap,
  {directoryOf, home, environment}: NamingSurroundings,
): string | undefined {
  const file = valueAt(map, '$file') ?? valueAt(map, '$credential');
  if (file?.kind !== 'text') return undefined;
  const named = substitute(file.text, (name) => environment[name]);
  if (named.kind === 'missing' || named.text === '') return undefined;
  if (map.entries.has('$file'))
    return absolutePath(named.text.trim(), {directory: directoryOf(file.at), home});
  const credentials = environment['CREDENTIALS_DIRECTORY'];
  return credentials === undefined ? undefined : resolve(credentials, named.text.trim());
}
