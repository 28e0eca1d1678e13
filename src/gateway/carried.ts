/** What became of one request to the gateway: the audit and the metrics are made of it. */
export interface Carried {
  /** Of the request. */
  readonly id: string;
  /** `refs` is the advertisement in front of each fetch and push. */
  readonly operation: 'refs' | 'fetch' | 'push' | 'lfs' | 'none';
  readonly host: string;
  /** `undefined`: the request named no repository that could be understood. */
  readonly repository: string | undefined;
  readonly organization: string | undefined;
  readonly identity: string | undefined;
  /** Of the token, and the name under which the issuer was asked for it. */
  readonly fingerprint: string | undefined;
  readonly issuerRequest: string | undefined;
  /** The name that Azure DevOps gave to the request. */
  readonly activity: string | undefined;
  /** The refs of a push, as many as are worth keeping. */
  readonly refs: readonly string[];
  /** `carried`: Azure DevOps did it. `denied`: the rule said no. `failed`: everything else. */
  readonly outcome: 'carried' | 'denied' | 'failed';
  readonly code: string | undefined;
  /** The status that Azure DevOps answered. */
  readonly status: number | undefined;
  /** In bytes, of bodies. */
  readonly sent: number;
  readonly received: number;
  /** In milliseconds. */
  readonly duration: number;
}
