import type {Identity} from '../identity/identity.ts';
import type {Token} from './token.ts';

/** The resource whose tokens Azure DevOps takes. @see https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity */
export const AZURE_DEVOPS_SCOPE = '499b84ac-1321-427f-aa17-267ca6975798/.default';

/** A token that is wanted: for whom, and for which resource. */
export interface Wanted {
  readonly identity: Identity;
  readonly scope: string;
}

/** Why a token could not be had, for people; without secrets. */
export interface Failure {
  /** Stable: `AADSTS7000222`, `ERR_UNREACHABLE`. */
  readonly code: string;
  /** Half a sentence, lower case, no full stop. */
  readonly message: string;
  /** What repairs it, a sentence. */
  readonly hint: string | undefined;
  /** How long the issuer wants to be left alone, in milliseconds, if it said. */
  readonly retryAfter: number | undefined;
}

export type Acquisition =
  | {readonly kind: 'token'; readonly token: Token}
  | {readonly kind: 'failed'; readonly failure: Failure};

/** Asks the issuer. It settles within ten seconds, and what goes wrong is returned, not thrown. */
export type Acquire = (wanted: Wanted) => Promise<Acquisition>;
