import type {SignatureAlgorithm} from './private-key.ts';

/** A key that signs, wherever its private half lies. */
export interface SigningKey {
  /** As SSH sends it. */
  readonly publicBlob: Buffer;
  /** `SHA256:…`, as OpenSSH and Azure DevOps' page show it. */
  readonly fingerprint: string;
  /** The algorithms to offer, best first; never SHA-1. */
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Whoever holds the private half is still there. */
  readonly usable: boolean;
  /** ECDSA signatures come in DER, or as SSH sends them. */
  sign(data: Uint8Array, algorithm: SignatureAlgorithm): Promise<Buffer>;
}
