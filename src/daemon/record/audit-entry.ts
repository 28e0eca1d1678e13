/** What one client received, or why it received nothing, or what changed in the daemon. Never a secret. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly event: ClientEvent | DaemonEvent;
  readonly outcome: string;
  readonly socket: string;
  /** Of the request, in the log as well. A token request that it causes has it as `client-request-id`. */
  readonly id?: string | undefined;
  /** Of the client, if the system tells. */
  readonly uid?: number | undefined;
  readonly pid?: number | undefined;
  readonly host?: string | undefined;
  readonly organization?: string | undefined;
  readonly path?: string | undefined;
  /** What asked for a feed or the REST interface, if not git: `cargo`. */
  readonly tool?: string | undefined;
  /** `feed`, or `project/feed`, with its view. */
  readonly feed?: string | undefined;
  readonly identity?: string | undefined;
  readonly kind?: string | undefined;
  readonly source?: string | undefined;
  /** A keyed hash of the token, or of a submodule key. */
  readonly fingerprint?: string | undefined;
  /** The `client-request-id` with which the issuer was asked for this token, or failed. */
  readonly issuerRequest?: string | undefined;
  /** The name that Azure DevOps gave to a request of a gateway. */
  readonly activity?: string | undefined;
  /** ISO 8601. */
  readonly expires?: string | undefined;
  /** What a gateway carried. */
  readonly operation?: string | undefined;
  /** The refs of a push through a gateway. */
  readonly refs?: readonly string[] | undefined;
  /** In bytes, to and from Azure DevOps. */
  readonly sent?: number | undefined;
  readonly received?: number | undefined;
  /** What a configuration adds, replaces and removes: credentials by organization, submodule keys, sockets. */
  readonly added?: readonly string[] | undefined;
  readonly changed?: readonly string[] | undefined;
  readonly removed?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  /** In milliseconds. */
  readonly duration?: number | undefined;
  /** How many more entries like this one there were in the minute before it, or how many lines were lost. */
  readonly times?: number | undefined;
}

type ClientEvent = (typeof CLIENT_EVENTS)[number];

/** What happens to the daemon, and what users change. */
type DaemonEvent = (typeof DAEMON_EVENTS)[number];

export const CLIENT_EVENTS = ['get', 'store', 'erase', 'grant', 'token', 'carry'] as const;
export const DAEMON_EVENTS = [
  'start',
  'stop',
  'configuration',
  'key',
  'login',
  'logout',
  'clear',
  'lost',
] as const;

/** The `schemaVersion` of the lines. */
export const AUDIT_VERSION = 1;
