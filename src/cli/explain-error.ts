import {printable} from '../text/printable.ts';
import {CommandError} from './command-error.ts';
import {EXIT, type ExitCode} from './exit-code.ts';

/** What to tell the person, and the program that called us. */
interface Explained {
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
}

/** Errors of ours carry `code` and `hint`; anything else is told as it is. */
export function explainError(error: unknown): Explained {
  if (error instanceof CommandError)
    return {message: error.message, hint: error.hint, exitCode: error.exitCode};
  if (!(error instanceof Error))
    return {message: printable(String(error)), hint: undefined, exitCode: EXIT.unhealthy};
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  if (code === 'ERR_NOT_RUNNING')
    return {
      message: printable(error.message),
      hint: hint ?? 'start it: orgkey service start',
      exitCode: EXIT.notRunning,
    };
  return {
    message: printable(error.message, 1000),
    hint: hint ?? REPAIRS[code ?? ''],
    exitCode: EXIT.unhealthy,
  };
}

const REPAIRS: Readonly<Record<string, string>> = {
  EACCES: 'look at the modes and the owner of the file and of its directories',
  ENOSPC: 'make room on the disk',
};
