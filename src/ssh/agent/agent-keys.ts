import type {SecretSource} from '../../identity/identity.ts';
import type {Secret} from '../../secret/secret.ts';
import type {AgentConnection} from './agent-connection.ts';
import {encodeForAgent} from './encode-for-agent.ts';
import {startPrivateAgent, type AgentPlace, type PrivateAgent} from './private-agent.ts';
import {
  NOT_WHOLE,
  algorithmsOf,
  fingerprintOf,
  type KeyRefusal,
  type PublicHalf,
  type SignatureAlgorithm,
} from '../key/private-key.ts';
import type {SigningKey} from '../key/signing-key.ts';
import {isSignedBy} from './verify-signature.ts';

/** Keys in a private ssh-agent, which is started for the first of them, and ended with the last. */
export class AgentKeys {
  readonly #place: AgentPlace;
  #starting: Promise<PrivateAgent> | undefined;
  /** Where each key in the agent came from. */
  readonly #held = new Map<string, PublicHalf>();
  /** One change at a time: what is taken out must not be what was just put in. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(place: AgentPlace) {
    this.#place = place;
  }

  /**
   * Reads a key and hands it over. Nothing of it is left here.
   * @throws {SshFailure} where the agent is not to be had; whatever `read` throws.
   */
  load(
    source: SecretSource,
    host: string,
    read: () => Promise<Secret>,
  ): Promise<{readonly kind: 'key'; readonly key: SigningKey} | KeyRefusal> {
    return this.#inTurn(async () => {
      // before the key: who cannot keep it must not have it
      const agent = await this.#agent();
      const encoding = await this.#encode(host, read);
      if (encoding.kind === 'refused') return encoding;
      const {half, encoded} = encoding.key;
      try {
        await agent.connection.add(encoded);
      } finally {
        encoded.erase();
      }
      const key = new AgentKey(agent.connection, half);
      if (!(await key.signsSoundly())) {
        await agent.connection.remove(half.blob);
        return NOT_WHOLE;
      }
      const name = nameOf(source);
      const before = this.#held.get(name);
      this.#held.set(name, half);
      await this.#remove(before, agent);
      return {kind: 'key', key};
    });
  }

  /** Takes every other key out of the agent. */
  keepOnly(sources: readonly SecretSource[]): Promise<void> {
    const wanted = new Set(sources.map(nameOf));
    return this.#inTurn(async () => {
      const agent = await this.#starting?.catch(() => undefined);
      if (agent === undefined) return;
      try {
        for (const [name, half] of this.#held) {
          if (wanted.has(name)) continue;
          this.#held.delete(name);
          await this.#remove(half, agent);
        }
        if (this.#held.size > 0) return;
      } catch {
        // one that does not take them out is ended with all that it holds
      }
      this.#held.clear();
      await agent.end();
    });
  }

  async #encode(host: string, read: () => Promise<Secret>) {
    const secret = await read();
    try {
      return encodeForAgent(secret, host);
    } finally {
      secret.erase();
    }
  }

  /** Two sources may give the same key. */
  async #remove(half: PublicHalf | undefined, {connection}: PrivateAgent): Promise<void> {
    if (half === undefined || [...this.#held.values()].some(({blob}) => blob.equals(half.blob))) return;
    await connection.remove(half.blob);
  }

  async #agent(): Promise<PrivateAgent> {
    const running = await this.#starting?.catch(() => undefined);
    if (running?.connection.isOpen === true) return running;
    this.#held.clear();
    this.#starting = startPrivateAgent(this.#place);
    return this.#starting;
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#changes.then(act);
    this.#changes = result.catch(() => {});
    return result;
  }
}

/** Equal ones name the same place. A key that is held is none of these: it would stay here. */
function nameOf(source: SecretSource): string {
  return JSON.stringify(source);
}

class AgentKey implements SigningKey {
  readonly #connection: AgentConnection;
  readonly #half: PublicHalf;

  constructor(connection: AgentConnection, half: PublicHalf) {
    this.#connection = connection;
    this.#half = half;
  }

  get publicBlob(): Buffer {
    return this.#half.blob;
  }

  get fingerprint(): string {
    return fingerprintOf(this.#half.blob);
  }

  get algorithms(): readonly SignatureAlgorithm[] {
    return algorithmsOf(this.#half.type);
  }

  get usable(): boolean {
    return this.#connection.isOpen;
  }

  async sign(data: Uint8Array, algorithm: SignatureAlgorithm): Promise<Buffer> {
    return this.#connection.sign(this.#half.blob, data, algorithm);
  }

  /** A damaged key may still be taken, and an agent may be older than SHA-2. */
  async signsSoundly(): Promise<boolean> {
    const probe = Buffer.from('orgkey');
    const [algorithm] = this.algorithms;
    return (
      algorithm !== undefined && isSignedBy(this.#half, probe, await this.sign(probe, algorithm), algorithm)
    );
  }
}
