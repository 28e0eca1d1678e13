import {CommandError} from '../command-error.ts';
import {EXIT} from '../exit-code.ts';

/** Returns the error for a wrong command line. */
export function usageError(message: string, hint?: string): CommandError {
  return new CommandError(EXIT.usage, message, {hint});
}
