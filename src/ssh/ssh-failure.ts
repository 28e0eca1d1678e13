/** Why an ssh connection did not do what was granted, for people; without secrets. */
export class SshFailure extends Error {
  override readonly name = 'SshFailure';
  /** Stable: `ERR_HOST_KEY_CHANGED`. */
  readonly code: SshFailureCode;
  /** What repairs it, a sentence each. */
  readonly hints: readonly string[];

  /** `message`: half a sentence, lower case, no full stop. */
  constructor(
    code: SshFailureCode,
    message: string,
    options: {hints?: readonly string[]; cause?: unknown} = {},
  ) {
    super(message, {cause: options.cause});
    this.code = code;
    this.hints = options.hints ?? [];
  }
}

type SshFailureCode =
  | 'ERR_HOST_KEY_CHANGED'
  | 'ERR_HOST_KEY_UNKNOWN'
  | 'ERR_HOST_KEY_REVOKED'
  | 'ERR_SHA1_ONLY'
  | 'ERR_NO_COMMON_ALGORITHM'
  | 'ERR_KEY_REFUSED'
  | 'ERR_KEY_HOLDER'
  | 'ERR_EXEC_REFUSED'
  | 'ERR_UNREACHABLE'
  | 'ERR_PROXY'
  | 'ERR_TIMEOUT'
  | 'ERR_CONNECTION_LOST'
  | 'ERR_SSH_PROTOCOL';
