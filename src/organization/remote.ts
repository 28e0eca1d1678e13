/** The remote of a request, exactly as git sent it. */
export interface Remote {
  readonly protocol: string;
  /** With `:port`, if git sent one. */
  readonly host: string;
  /** Without the leading slash; decoded once, by git. `undefined`: not sent. */
  readonly path: string | undefined;
  /** The user name of the URL. `undefined`: not sent. */
  readonly username: string | undefined;
}
