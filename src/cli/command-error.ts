import {OrgkeyError} from '../text/orgkey-error.ts';
import {EXIT, type ExitCode} from './exit-code.ts';

/**
 * Ends a command early. The message is lower case without a full stop; the hint is one imperative line that repairs
 * the cause. It is a class of its own because main.ts needs the exit code.
 */
export class CommandError extends OrgkeyError {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(
    exitCode: ExitCode,
    message: string,
    {code = CODES[exitCode], hint, cause}: {code?: string; hint?: string | undefined; cause?: unknown} = {},
  ) {
    super(code, message, {hint, cause});
    this.exitCode = exitCode;
  }
}

/** The code of an error that has none of its own. */
const CODES: Readonly<Record<ExitCode, string>> = {
  [EXIT.ok]: 'ERR_COMMAND',
  [EXIT.unhealthy]: 'ERR_COMMAND',
  [EXIT.usage]: 'ERR_USAGE',
  [EXIT.notRunning]: 'ERR_NOT_RUNNING',
  [EXIT.signInRejected]: 'ERR_SIGN_IN',
  [EXIT.badConfiguration]: 'ERR_CONFIGURATION',
};

/** Returns the error for a wrong command line. */
export function usageError(message: string, hint?: string): CommandError {
  return new CommandError(EXIT.usage, message, {hint});
}
