import type {Problem} from '../config/configuration.ts';

/**
 * What the command line can ask the daemon over `control/control.sock`. Nothing here carries a secret but
 * `token`, whose whole point it is.
 */
export interface ControlCalls {
  readonly status: {readonly params: undefined; readonly result: Status};
  /** Reads the configuration again; a bad one changes nothing and is explained. */
  readonly reload: {readonly params: undefined; readonly result: {readonly problems: readonly Problem[]}};
  /** Drops every token in memory. */
  readonly clear: {readonly params: undefined; readonly result: {readonly dropped: number}};
  /** An access token for an organization (or a configured server's collection). */
  readonly token: {readonly params: TokenParams; readonly result: TokenResult};
  /** The last log lines, and from then on each new one as an event `log`, until the connection ends. */
  readonly logs: {
    readonly params: {readonly follow: boolean};
    readonly result: {readonly lines: readonly string[]};
  };
  /** Prometheus text. */
  readonly metrics: {readonly params: undefined; readonly result: {readonly text: string}};
  /** Signs a person in; events `login` tell the progress. */
  readonly login: {readonly params: {readonly organization: string}; readonly result: LoginResult};
  readonly logout: {
    readonly params: {readonly organization: string};
    readonly result: {readonly wasSignedIn: boolean};
  };
}

export type ControlMethod = keyof ControlCalls;

export interface TokenParams {
  readonly organization: string;
  /** Default: Azure DevOps. */
  readonly scope: string | undefined;
}

export type TokenResult =
  | {
      readonly kind: 'token';
      readonly form: 'access-token' | 'pat';
      readonly token: string;
      /** Milliseconds since epoch. */
      readonly expiresAt: number | undefined;
      readonly username: string;
      /** Whose it is: `dev.azure.com`, or that of a configured server. Nobody else may see it. */
      readonly host: string;
    }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };

export type LoginResult =
  | {readonly kind: 'signed-in'; readonly account: string; readonly expiresAt: number | undefined}
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };

/** What the daemon says unasked, on a connection that wants to hear it. */
export type ControlEvent =
  | {readonly event: 'log'; readonly line: string}
  | {readonly event: 'login'; readonly openUrl: string}
  | {readonly event: 'login'; readonly deviceCode: {readonly url: string; readonly code: string}};

/** What `orgkey status --json` prints, together with `schemaVersion`. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since epoch. */
  readonly startedAt: number;
  readonly health: 'green' | 'yellow' | 'red';
  /** What is wrong and what repairs it, worst first. */
  readonly notices: readonly Notice[];
  readonly configuration: {
    readonly source: string;
    /** Milliseconds since epoch. */
    readonly loadedAt: number;
    readonly warnings: readonly Problem[];
    /** Of a newer configuration that was not taken. */
    readonly problems: readonly Problem[];
  };
  readonly sockets: readonly {
    readonly name: string;
    readonly path: string;
    readonly organizations: readonly string[] | undefined;
  }[];
  readonly organizations: readonly OrganizationStatus[];
  readonly requests: {
    /** Answers with a credential. */
    readonly served: number;
    readonly passed: number;
    readonly failed: number;
    /** Of served requests, from the last byte of the request to the first of the answer, in milliseconds. */
    readonly medianMs: number | undefined;
  };
  readonly memory: {readonly residentBytes: number};
  /** How far our clock is ahead of the last server's, in milliseconds; `undefined`: nobody was asked yet. */
  readonly clockSkew: number | undefined;
  /** The variables of the daemon that decide its way out, by `shownVariables`: without secrets. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Notice {
  readonly level: 'yellow' | 'red';
  /** For whoever tells the same thing better elsewhere. Default: anything else. */
  readonly about?: 'configuration' | 'organization' | 'clock' | 'socket';
  /** Lower case, no full stop. */
  readonly message: string;
  readonly hint: string | undefined;
}

export interface OrganizationStatus {
  readonly host: string;
  /** `undefined`: the fallback of the host. */
  readonly organization: string | undefined;
  /** For people: `client secret 9f000000…`. */
  readonly identity: string;
  readonly kind: string;
  readonly place: string;
  readonly state: 'none' | 'ok' | 'refreshing' | 'failed';
  /** Milliseconds since epoch. */
  readonly expiresAt: number | undefined;
  readonly fingerprint: string | undefined;
  readonly requests: number;
  readonly lastFailure:
    | {readonly code: string; readonly message: string; readonly hint: string | undefined}
    | undefined;
}

export const SCHEMA_VERSION = 1;
