import type {Secret} from '../secret/secret.ts';
import type {Token} from '../token/token.ts';

/** The answer to a client of a git socket. `render` encodes every variant. */
export type Answer =
  /** No credential: git asks its next helper. `reason` is for the log. */
  | {
      readonly kind: 'pass';
      readonly reason: string;
      /** The organization that no credential covers, for our script, which explains it to the user. */
      readonly uncovered?: string | undefined;
    }
  | {
      readonly kind: 'credential';
      readonly token: Token;
      readonly username: string;
      /** The client's git reads a whole Authorization header (2.46 and later), else a user name and password. */
      readonly authtype: boolean;
      /**
       * For a git that does not know `ephemeral`: it replaces what git asked for, and git chooses again the helpers that
       * store the credential. So those of another spelling, which precede us, do not get it.
       */
      readonly url?: string | undefined;
      /** Git sends it back and asks again if the server rejects the credential. The user notices nothing. */
      readonly state: string | undefined;
      /** Git need not confirm the token: none was rejected since one worked. */
      readonly isSettled: boolean;
      /** A tool may keep the token until then, in milliseconds since epoch. `undefined`: for git, or for ever. */
      readonly keepUntil?: number | undefined;
    }
  /** A login that was stored before, as it was. */
  | {readonly kind: 'login'; readonly login: StoredLogin}
  /** The credential is ours, but cannot be acquired. `quit`: git must not ask the user for a password. */
  | {
      readonly kind: 'failure';
      readonly errors: readonly string[];
      readonly hints: readonly string[];
      readonly quit: boolean;
    }
  /** One connection is granted, through this socket. */
  | {readonly kind: 'grant'; readonly socket: string}
  | {
      readonly kind: 'deny';
      readonly reason: string;
      readonly hint: string | undefined;
      /** Temporary: another daemon is about to start, and `orgkey-ssh` asks again. */
      readonly again?: true;
    }
  | {readonly kind: 'hello'; readonly version: string; readonly pid: number; readonly proof: string}
  /** A store or an erase was handled. */
  | {readonly kind: 'done'; readonly reason: string};

export interface StoredLogin {
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly authtype: string | undefined;
  readonly credential: Secret | undefined;
  /** Milliseconds since epoch. */
  readonly expiresAt: number | undefined;
  readonly refreshToken: Secret | undefined;
}
