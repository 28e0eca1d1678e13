import {OrgkeyError} from '../text/orgkey-error.ts';

/** Why an ssh connection did not do what was granted. The message is for users and has no secrets. */
export class SshFailure extends OrgkeyError {
  override readonly name = 'SshFailure';
  declare readonly code: SshFailureCode;
  /** How to repair it, one sentence each. */
  readonly hints: readonly string[];

  /** `message`: half a sentence, lower case, no full stop. */
  constructor(
    code: SshFailureCode,
    message: string,
    {hints = [], cause}: {readonly hints?: readonly string[]; readonly cause?: unknown} = {},
  ) {
    super(code, message, {hint: hints[0], cause});
    this.hints = hints;
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
  /** Before the host showed its key: it may accept the next attempt. */
  | 'ERR_ENDED_EARLY'
  | 'ERR_SSH_PROTOCOL';

export const USE_PROXY =
  'if ssh must go through a proxy, set HTTPS_PROXY for the daemon, or ssh.proxyCommand in its configuration';
