import type {HostKey} from '../host/host-keys.ts';
import type {SigningKey} from '../key/signing-key.ts';

/** A host, and how we log in there. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** The host must show one of them that is not revoked. */
  readonly hostKeys: readonly HostKey[];
  /** The only key that is offered. */
  readonly key: Pick<SigningKey, 'publicBlob' | 'fingerprint' | 'algorithms' | 'sign'>;
  /** The organization that the key is for. */
  readonly owner: string;
  /** What the user does if the host rejects the key, one sentence. */
  readonly advice: string;
  /** How to pin another host key once it is confirmed: a command, or a sentence. */
  readonly howToPin: string;
}

/** Returns whether a key is pinned for the host, and not revoked. */
export function isPinned(blob: Buffer, target: SshTarget): boolean {
  return !isRevoked(blob, target) && target.hostKeys.some((known) => known.blob.equals(blob));
}

export function isRevoked(blob: Buffer, {hostKeys}: SshTarget): boolean {
  return hostKeys.some((known) => known.revoked && known.blob.equals(blob));
}
