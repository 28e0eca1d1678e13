import {CommandError} from '../command-error.ts';
import {EXIT} from '../exit-code.ts';

/** `orgkey daemon`: main.ts starts the daemon itself, without loading the command line, if the word comes first. */
export function daemon(): never {
  throw new CommandError(EXIT.usage, 'the options of the daemon must follow the word daemon', {
    hint: 'run: orgkey daemon --help',
  });
}
