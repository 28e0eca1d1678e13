/** The key types that we use, by their SSH names. */
export type KeyType = 'ssh-rsa' | 'ssh-ed25519' | `ecdsa-sha2-nistp${'256' | '384' | '521'}`;

/** The signature algorithms that we use, by their SSH names. SHA-1 (`ssh-rsa`) is left out on purpose. */
export type SignatureAlgorithm = 'rsa-sha2-512' | 'rsa-sha2-256' | Exclude<KeyType, 'ssh-rsa'>;

/** Returns the algorithms to offer for a key type, best first. */
export function algorithmsOf(type: KeyType): readonly SignatureAlgorithm[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
}

/** Returns the hash that an algorithm signs. `undefined` for Ed25519, which hashes on its own. */
export function hashOf(algorithm: SignatureAlgorithm): 'sha256' | 'sha384' | 'sha512' | undefined {
  switch (algorithm) {
    case 'rsa-sha2-512':
    case 'ecdsa-sha2-nistp521':
      return 'sha512';
    case 'rsa-sha2-256':
    case 'ecdsa-sha2-nistp256':
      return 'sha256';
    case 'ecdsa-sha2-nistp384':
      return 'sha384';
    case 'ssh-ed25519':
      return undefined;
  }
}
