import {codeOf, messageOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import {CommandError} from './command-error.ts';
import {EXIT, type ExitCode} from './exit-code.ts';

/** What to report to the user and to the program that called us. */
interface Explained {
  /** Stable: `ERR_NOT_RUNNING`. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
}

/** Returns the message, the hint and the exit code for anything that was thrown. */
export function explainError(error: unknown): Explained {
  if (error instanceof CommandError)
    return {code: error.code, message: error.message, hint: error.hint, exitCode: error.exitCode};
  const code = codeOf(error) ?? 'ERR_COMMAND';
  const hint =
    error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  return {
    code,
    message: printable(messageOf(error), 1000),
    hint: hint ?? HINTS[code],
    exitCode: code === 'ERR_NOT_RUNNING' ? EXIT.notRunning : EXIT.unhealthy,
  };
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'check the owner and the permissions of the file and of its directories',
  ENOSPC: 'free some disk space',
  ERR_NOT_RUNNING: 'start the daemon: orgkey service start',
};
