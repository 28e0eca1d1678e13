import type {SubmoduleSettings} from '../../config/configuration.ts';
import type {SecretSource} from '../../identity/identity.ts';
import type {Secret} from '../../secret/secret.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {printable} from '../../text/printable.ts';
import {readPrivateKey, type KeyFailure} from './private-key.ts';
import type {SigningKey} from './signing-key.ts';

type HeldKeyReading = {readonly kind: 'key'; readonly key: SigningKey} | KeyFailure;

/** Reads a secret, which the caller erases. Rejects with a message for users, without secrets. */
export type ReadSecret = (source: SecretSource) => Promise<Secret>;

/** The keys of the rules, each read at its first use. */
export class HeldKeys {
  readonly #readSecret: ReadSecret;
  #readings = new WeakMap<SubmoduleSettings, Promise<HeldKeyReading>>();

  constructor(readSecret: ReadSecret) {
    this.#readSecret = readSecret;
  }

  /** Reads a key once and keeps it until `forget` or `forgetAll`. A failure is not kept. */
  async get(rule: SubmoduleSettings, organization: string): Promise<HeldKeyReading> {
    const begun = this.#readings.get(rule);
    if (begun !== undefined) return begun;
    const fresh = this.#load(rule, organization);
    this.#readings.set(rule, fresh);
    const reading = await fresh;
    if (reading.kind === 'failed' && this.#readings.get(rule) === fresh) this.#readings.delete(rule);
    return reading;
  }

  /** For a key that the host rejected: it may have been replaced where it is stored. */
  forget(rule: SubmoduleSettings): void {
    this.#readings.delete(rule);
  }

  forgetAll(): void {
    this.#readings = new WeakMap();
  }

  async #load({privateKey, host}: SubmoduleSettings, organization: string): Promise<HeldKeyReading> {
    try {
      if (privateKey.from === 'ssh-agent') {
        // loads ssh2, which most daemons never need
        const {findAgentKey} = await import('./agent-key.ts');
        return await findAgentKey(privateKey, host);
      }
      const secret = await this.#readSecret(privateKey);
      try {
        return await readPrivateKey(secret, host);
      } finally {
        secret.erase();
      }
    } catch (error) {
      return {
        kind: 'failed',
        reason: `it cannot be read: ${printable(messageOf(error), 200)}`,
        hint: `run: orgkey ssh-key add ${organization}`,
      };
    }
  }
}
