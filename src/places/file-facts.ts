import {constants, lstatSync, readFileSync, type Stats} from 'node:fs';
import type {FileFacts, PathFacts} from './paths.ts';

export const machineFiles: FileFacts = {
  factsOf(path) {
    try {
      const stats = lstatSync(path, {throwIfNoEntry: false});
      return stats && {kind: kindOf(stats), owner: stats.uid};
    } catch {
      // we cannot enter a directory of the path
      return undefined;
    }
  },
  linesOf(path) {
    try {
      return readFileSync(path, {encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NONBLOCK}).split(
        '\n',
      );
    } catch {
      return [];
    }
  },
};

function kindOf(stats: Stats): PathFacts['kind'] {
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSocket()) return 'socket';
  return stats.isFile() ? 'file' : 'other';
}
