/**
 * A failure of orgkey. `code` is stable (`ERR_…`, listed in docs/errors.md), `message` is half a sentence without
 * secrets that says what failed, `hint` is one imperative sentence or command that repairs it.
 */
export class OrgkeyError extends Error {
  override readonly name: string = 'OrgkeyError';
  readonly code: string;
  readonly hint: string | undefined;

  constructor(
    code: string,
    message: string,
    {hint, cause}: {readonly hint?: string | undefined; readonly cause?: unknown} = {},
  ) {
    super(message, cause === undefined ? undefined : {cause});
    this.code = code;
    this.hint = hint;
  }
}

/** Returns the `code` of an error, ours or the system's (`ENOENT`). `undefined`: the error has no code. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
