import type {ExitCode} from './exit-code.ts';

/** Why a command ends early. The message is lower case without a full stop; the hint says what repairs it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(
    exitCode: ExitCode,
    message: string,
    {hint, cause}: {hint?: string | undefined; cause?: unknown} = {},
  ) {
    super(message, {cause});
    this.exitCode = exitCode;
    this.hint = hint;
  }
}
