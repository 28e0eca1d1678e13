import type {SignInEvent} from '../entra/sign-in/sign-in.ts';
import type {Problem} from '../config/configuration.ts';

/**
 * What the command line can ask the daemon over `control/control.sock`. Only `token` carries a secret.
 */
export interface ControlCalls {
  /** Shows that the daemon answers. */
  readonly ping: {readonly params: undefined; readonly result: {readonly pid: number}};
  readonly status: {readonly params: undefined; readonly result: Status};
  /** Reads the configuration again. `problems` says what is wrong with it, or with parts of it. */
  readonly reload: {readonly params: undefined; readonly result: {readonly problems: readonly Problem[]}};
  /** Drops all tokens in memory. */
  readonly clear: {readonly params: undefined; readonly result: {readonly dropped: number}};
  /** Returns an access token for an organization, or for a collection of a configured server. */
  readonly token: {readonly params: TokenParams; readonly result: TokenResult};
  /** Returns the last log lines. With `follow`, each new line is an event `log` until the connection ends. */
  readonly logs: {
    readonly params: {readonly follow: boolean};
    readonly result: {readonly lines: readonly string[]};
  };
  readonly metrics: {readonly params: undefined; readonly result: {readonly text: string}};
  /** Takes what Azure DevOps said about the token when a user tested it: `status` shows it, like a verdict for git. */
  readonly verdict: {
    readonly params: {readonly organization: string; readonly isAccepted: boolean};
    readonly result: {readonly isTaken: boolean};
  };
  /** Writes the lines of the audit trail that are collected for the next write. */
  readonly flush: {readonly params: undefined; readonly result: {readonly isWritten: boolean}};
  /** Signs a user in. Events `login` report the progress, `other-account` asks a question. */
  readonly login: {
    readonly params: {
      readonly organization: string;
      /** The account that must sign in. It may replace any other. */
      readonly account?: string | undefined;
      /** Whether a user can be asked. Otherwise no account replaces another one. */
      readonly isInteractive?: boolean | undefined;
      /** Default: as configured. */
      readonly method?: 'browser' | 'device-code' | undefined;
    };
    readonly result: LoginResult;
  };
  /** Answers a question of `login`. */
  readonly answer: {
    readonly params: {readonly question: string; readonly isYes: boolean};
    readonly result: {readonly isTaken: boolean};
  };
  readonly logout: {
    readonly params: {readonly organization: string};
    readonly result: {
      readonly wasSignedIn: boolean;
      /** The organization is not configured. */
      readonly failure?: {readonly code: string; readonly message: string; readonly hint: string};
    };
  };
}

export type ControlMethod = keyof ControlCalls;

export type Params<M extends ControlMethod> = ControlCalls[M]['params'];

export type Result<M extends ControlMethod> = Promise<ControlCalls[M]['result']>;

/** The client of a call, as the daemon sees it. */
export interface Caller {
  /** Sends an event, as long as the client is connected. */
  readonly send: (event: ControlEvent) => void;
  /** Aborts when the client disconnects. */
  readonly gone: AbortSignal;
}

export type Handlers = {readonly [M in ControlMethod]: (params: Params<M>, caller: Caller) => Result<M>};

interface TokenParams {
  readonly organization: string;
  /** Default: Azure DevOps. */
  readonly scope: string | undefined;
}

/** What could not be done, for users, without secrets. */
interface Failed {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export type TokenResult =
  | {
      readonly kind: 'token';
      readonly form: 'access-token' | 'pat';
      readonly token: string;
      /** ISO 8601. */
      readonly expiresAt: string | undefined;
      readonly username: string;
      /** The host that the token is for: `dev.azure.com`, or a configured server. No other host may see it. */
      readonly host: string;
    }
  | Failed;

type LoginResult =
  | {readonly kind: 'signed-in'; readonly account: string; readonly expiresAt: string | undefined}
  | Failed;

/** What the daemon sends during a call, before its result. */
export type ControlEvent =
  | {readonly event: 'log'; readonly line: string}
  | SignInEvent
  /** Another user signed in than the one who is known. */
  | {
      readonly event: 'other-account';
      readonly question: string;
      readonly account: string;
      readonly known: string;
    };

/** What `orgkey status --json` prints, together with `schemaVersion`. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The level of the worst notice. */
  readonly health: Health;
  /** What is wrong and how to repair it, worst first. */
  readonly notices: readonly Notice[];
  readonly configuration: {
    readonly source: string;
    /** `current`: the file; `previous`: what it said before; `kept`: what it said in an earlier run; `none`: nothing. */
    readonly inForce: 'current' | 'previous' | 'kept' | 'none';
    /** ISO 8601. `undefined`: no configuration was taken yet. */
    readonly loadedAt: string | undefined;
    readonly warnings: readonly Problem[];
    /** The problems of a newer configuration that was not taken, and of parts that are not in force. */
    readonly problems: readonly Problem[];
  };
  readonly sockets: readonly {
    readonly name: string;
    readonly path: string;
    readonly organizations: readonly string[] | undefined;
  }[];
  readonly gateways: readonly GatewayStatus[];
  readonly organizations: readonly OrganizationStatus[];
  /** What gets an explanation instead of a credential now, because Azure DevOps rejected one. */
  readonly locks: readonly Lock[];
  readonly requests: {
    /** Answers with a credential. */
    readonly served: number;
    readonly passed: number;
    readonly failed: number;
    /** For served requests, from the last byte of the request to the first of the answer, in milliseconds. */
    readonly medianMs: number | undefined;
  };
  readonly memory: {readonly residentBytes: number};
  /** How far our clock is ahead of the last server's, in milliseconds. `undefined`: no server was asked yet. */
  readonly clockSkew: number | undefined;
  /** The daemon's network variables, from `shownVariables`: without secrets. */
  readonly environment: Readonly<Record<string, string>>;
}

export type Health = 'ok' | 'warning' | 'error';

export interface Notice {
  readonly level: 'warning' | 'error';
  /** Lets a caller leave out what it shows elsewhere in more detail. Default: anything else. */
  readonly about?: 'audit' | 'configuration' | 'organization' | 'clock' | 'socket';
  /** The organizations that share this cause, as `shownName` shows them. */
  readonly organizations?: readonly string[];
  /** Lower case, no full stop. */
  readonly message: string;
  readonly hint: string | undefined;
}

export interface OrganizationStatus {
  readonly host: string;
  /** `undefined`: the host's fallback. */
  readonly organization: string | undefined;
  /** In words: `client secret 9f000000…`. */
  readonly identity: string;
  readonly kind: string;
  readonly place: string;
  readonly state: 'none' | 'ok' | 'refreshing' | 'failed';
  /** `error`: git gets no credential that works. `warning`: it gets one, but something is wrong. */
  readonly health: Health;
  /** ISO 8601. */
  readonly expiresAt: string | undefined;
  /** The end of the certificate with which the token was acquired. ISO 8601. */
  readonly credentialExpiresAt: string | undefined;
  readonly fingerprint: string | undefined;
  readonly requests: number;
  readonly lastFailure: Omit<Failed, 'kind'> | undefined;
}

/** A rejection that is in force. */
export interface Lock {
  /** `contoso`, `tfs.example.org/collection`. In lower case. */
  readonly organization: string;
  /** What git asked for when the credential was rejected, below the host and in lower case. */
  readonly path: string;
  /** `organization`: Azure DevOps rejected the credential as such. `repository`: other repositories are served. */
  readonly covers: 'organization' | 'repository';
  /** ISO 8601. */
  readonly until: string;
}

/** One gateway: its rule, and what it did since the daemon started. */
export interface GatewayStatus {
  readonly name: string;
  /** The path of its socket. */
  readonly path: string;
  /** `127.0.0.1:PORT`, if it listens there. */
  readonly listen: string | undefined;
  /** As in the configuration, in lower case. */
  readonly repositories: readonly string[];
  readonly push: readonly string[];
  readonly deletions: boolean;
  readonly lfs: boolean;
  /** `underWay`: now. */
  readonly requests: {
    readonly carried: number;
    readonly denied: number;
    readonly failed: number;
    readonly underWay: number;
  };
  /** Of bodies, to and from Azure DevOps. */
  readonly bytes: {readonly sent: number; readonly received: number};
}

/** Rises if the meaning of a field changes, or a field goes. */
export const SCHEMA_VERSION = 2;
