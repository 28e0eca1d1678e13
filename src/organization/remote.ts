/** Where git wants to go, as git said it; nothing is decoded, folded or defaulted. */
export interface Remote {
  readonly protocol: string;
  /** With `:port`, if git sent one. */
  readonly host: string;
  /** Without the leading slash; decoded once, by git. `undefined`: not sent. */
  readonly path: string | undefined;
  /** The user name of the URL. `undefined`: not sent. */
  readonly username: string | undefined;
}
