import {CommandError} from '../command-error.ts';
import {EXIT} from '../exit-code.ts';

export function usageError(message: string, hint?: string): CommandError {
  return new CommandError(EXIT.usage, message, {hint});
}
