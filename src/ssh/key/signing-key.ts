import {algorithmsOf, type KeyType, type SignatureAlgorithm} from './algorithms.ts';
import {fingerprintOf, type PublicHalf} from './public-half.ts';

/** A key pair that can sign, wherever its private half is. */
export abstract class SigningKey {
  readonly type: KeyType;
  /** In bits. */
  readonly size: number;
  /** The public half in SSH's encoding. */
  readonly publicBlob: Buffer;

  constructor({type, size, blob}: PublicHalf) {
    this.type = type;
    this.size = size;
    this.publicBlob = blob;
  }

  /** `SHA256:…`, as OpenSSH and the page of Azure DevOps show it. */
  get fingerprint(): string {
    return fingerprintOf(this.publicBlob);
  }

  /** The algorithms to offer, best first. */
  get algorithms(): readonly SignatureAlgorithm[] {
    return algorithmsOf(this.type);
  }

  /** Returns the line to paste at the host. `comment` says where the key is kept. */
  publicLine(comment: string): string {
    return `${this.type} ${this.publicBlob.toString('base64')} ${comment}`;
  }

  /** Returns the signature: ECDSA in DER or in SSH's encoding, the others as SSH sends them. */
  abstract sign(data: Uint8Array, algorithm: SignatureAlgorithm): Promise<Buffer>;
}
