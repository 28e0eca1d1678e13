import ssh2, {type IdentityCallback, type ParsedKey, type SignCallback} from 'ssh2';

import type {SignatureAlgorithm} from '../key/algorithms.ts';
import type {SigningKey} from '../key/signing-key.ts';

/**
 * Offers one key to ssh2, which sees only its public half. For an RSA key, ssh2 would fall back to SHA-1 if the server
 * does not name its algorithms. So each key that we offer has the name of its signature algorithm as type.
 */
export class KeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #key: Pick<SigningKey, 'publicBlob' | 'algorithms' | 'sign'>;
  readonly #onFailure: (cause: unknown) => void;

  constructor(
    key: Pick<SigningKey, 'publicBlob' | 'algorithms' | 'sign'>,
    onFailure: (cause: unknown) => void,
  ) {
    super();
    this.#key = key;
    this.#onFailure = onFailure;
  }

  override getIdentities(give: IdentityCallback<ParsedKey>): void {
    give(
      undefined,
      this.#key.algorithms.map((algorithm) => this.#identity(algorithm)),
    );
  }

  override sign(publicKey: ParsedKey, data: Buffer, ...rest: readonly unknown[]): void {
    const give = rest.find(isSignCallback);
    const algorithm = this.#key.algorithms.find((known) => known === publicKey.type);
    if (give === undefined) return;
    if (algorithm === undefined) return give(new Error('no such key'));
    this.#key.sign(data, algorithm).then(
      (signature) => give(undefined, signature),
      (error: unknown) => {
        this.#onFailure(error);
        give(error instanceof Error ? error : new Error('the key cannot sign'));
      },
    );
  }

  #identity(algorithm: SignatureAlgorithm): ParsedKey {
    const parsed = ssh2.utils.parseKey(this.#key.publicBlob);
    if (parsed instanceof Error) throw parsed;
    return Object.defineProperty(parsed, 'type', {value: algorithm});
  }
}

function isSignCallback(value: unknown): value is SignCallback {
  return typeof value === 'function';
}
