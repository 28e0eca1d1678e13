import type {Secret} from '../secret/secret.ts';
import type {Token} from '../token/token.ts';

/** What a client of a git socket is told. Every variant becomes bytes in `render`. */
export type Answer =
  /** Nothing: git asks its next helper. `reason` is for the log. */
  | {readonly kind: 'pass'; readonly reason: string}
  | {
      readonly kind: 'credential';
      readonly token: Token;
      readonly username: string;
      /** The git that asks takes a whole Authorization header (2.46 and later), else a user name and password. */
      readonly authtype: boolean;
      /** Lets git ask again, unseen, when the server refuses: what it will send back. */
      readonly state: string | undefined;
      /** Where git can be told so: nothing was refused lately, and nobody waits to hear that this token works. */
      readonly isSettled: boolean;
    }
  /** A login that was stored before, as it was. */
  | {readonly kind: 'login'; readonly login: StoredLogin}
  /** Ours, but it cannot be had. `quit`: git must not go on to ask for a password that cannot help. */
  | {
      readonly kind: 'failure';
      readonly errors: readonly string[];
      readonly hints: readonly string[];
      readonly quit: boolean;
    }
  /** One connection may be made, through this socket. */
  | {readonly kind: 'grant'; readonly socket: string}
  | {
      readonly kind: 'deny';
      readonly reason: string;
      readonly hint: string | undefined;
      /** Only for now: another daemon is about to come, and `orgkey-ssh` asks once more by itself. */
      readonly again?: true;
    }
  | {readonly kind: 'hello'; readonly version: string; readonly pid: number; readonly proof: string}
  /** A store or an erase was heard. */
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
