import {usageError} from '../command-error.ts';

/** `orgkey daemon`: main.ts starts the daemon itself, without loading the command line, if the word comes first. */
export function daemon(): never {
  throw usageError('the options of the daemon must follow the word daemon', 'run: orgkey daemon --help');
}
