import type {Identity} from '../identity/identity.ts';
import type {Token} from './token.ts';

/**
 * The resource whose tokens Azure DevOps accepts. Facts 1 and 2.
 * @see https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity
 */
export const AZURE_DEVOPS_SCOPE = '499b84ac-1321-427f-aa17-267ca6975798/.default';

/** A wanted token: its identity and resource. */
export interface Wanted {
  readonly identity: Identity;
  readonly scope: string;
  /** Of the request that wants it. The issuer is asked under this name. */
  readonly id?: string | undefined;
}

/** Why a token could not be acquired, for users, without secrets. */
export interface Failure {
  /** Stable: `AADSTS7000222`, `ERR_UNREACHABLE`. */
  readonly code: string;
  /** Half a sentence, lower case, no full stop. */
  readonly message: string;
  /** One imperative sentence that repairs it. */
  readonly hint: string | undefined;
  /** The issuer's `Retry-After` in milliseconds, if it sent one. */
  readonly retryAfter?: number | undefined;
  /** The `client-request-id` under which the issuer was asked, if it was. */
  readonly issuerRequest?: string | undefined;
}

export type Acquisition =
  | {readonly kind: 'token'; readonly token: Token}
  | {readonly kind: 'failed'; readonly failure: Failure};

/** Asks the issuer. Settles within ten seconds; failures are returned, not thrown. */
export type Acquire = (wanted: Wanted) => Promise<Acquisition>;
