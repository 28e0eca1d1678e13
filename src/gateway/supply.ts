import type {Secret} from '../secret/secret.ts';
import type {Repository} from './rule/repository.ts';

/** What the gateway adds to a request, or why it cannot. */
export type Supplied =
  | {
      readonly kind: 'credential';
      /** The value of the header `Authorization`. The gateway erases it. */
      readonly authorization: Secret;
      /** Names this very token, without being one. */
      readonly fingerprint: string;
      /** Under which the issuer was asked for it. */
      readonly issuerRequest: string | undefined;
      /** The identity, for people. */
      readonly identity: string;
    }
  | {
      readonly kind: 'failure';
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };

/** The source of the credentials of a gateway. It learns what became of them. */
export interface Supply {
  /**
   * `id`: of the request; a token request that it causes gets the same. `rejected`: the fingerprint of a token that Azure
   * DevOps rejected just now; another one is wanted.
   */
  get(
    repository: Repository,
    asked: {readonly id: string; readonly rejected: string | undefined},
  ): Promise<Supplied>;
  /** Azure DevOps accepted the token. */
  accepted(repository: Repository, fingerprint: string): void;
}
