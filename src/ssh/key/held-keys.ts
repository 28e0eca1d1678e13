import type {KeyHolder, SubmoduleSettings} from '../../config/configuration.ts';
import type {SecretSource} from '../../identity/identity.ts';
import {printable} from '../../text/printable.ts';
import type {Secret} from '../../secret/secret.ts';
import {readPrivateKey, type KeyRefusal} from './private-key.ts';
import type {SigningKey} from './signing-key.ts';
import {SshFailure} from '../ssh-failure.ts';
import type {AgentPlace} from '../agent/private-agent.ts';
import type {AgentKeys} from '../agent/agent-keys.ts';

export type HeldKeyReading = {readonly kind: 'key'; readonly key: SigningKey} | KeyRefusal;

export interface HeldKeysParts {
  readonly settings: () => {
    readonly submodules: readonly SubmoduleSettings[];
    readonly sshKeyHolder: KeyHolder;
  };
  /** Rejects with a message for people, without secrets. Who gets it erases it. */
  readonly readSecret: (source: SecretSource) => Promise<Secret>;
  readonly agentPlace: AgentPlace;
}

/** The keys of the rules, each read at its first use, and in the hands of whoever the configuration says. */
export class HeldKeys {
  readonly #parts: HeldKeysParts;
  #readings = new WeakMap<SubmoduleSettings, Promise<HeldKeyReading>>();
  #agent: AgentKeys | undefined;
  #trouble: SshFailure | undefined;

  constructor(parts: HeldKeysParts) {
    this.#parts = parts;
  }

  /** Why keys cannot be held as configured, for the status. */
  get trouble(): SshFailure | undefined {
    return this.#trouble;
  }

  /** Read once for as long as the configuration is in force and its holder lives; a failure is not kept. */
  async get(rule: SubmoduleSettings, organization: string): Promise<HeldKeyReading> {
    const begun = this.#readings.get(rule);
    if (begun === undefined) return this.#begin(rule, organization);
    const reading = await begun;
    if (reading.kind === 'refused' || reading.key.usable) return reading;
    // several may find that its holder is gone: the first begins anew, the others wait for that
    if (this.#readings.get(rule) === begun) this.#readings.delete(rule);
    return this.get(rule, organization);
  }

  /** It may have been replaced where it is stored. */
  forget(rule: SubmoduleSettings): void {
    this.#readings.delete(rule);
  }

  /** The configuration is another one. The agent keeps what is still in it, and only that. */
  async follow(): Promise<void> {
    this.#readings = new WeakMap();
    const {sshKeyHolder, submodules} = this.#parts.settings();
    const byAgent = sshKeyHolder === 'agent' ? submodules : [];
    await this.#agent?.keepOnly(byAgent.map(({privateKey}) => privateKey));
    this.#trouble = undefined;
    if (byAgent.length === 0) return;
    const {findAgent, noAgent} = await import('../agent/private-agent.ts');
    if ((await findAgent(this.#parts.agentPlace.environment)) === undefined) this.#trouble = noAgent();
  }

  async close(): Promise<void> {
    await this.#agent?.keepOnly([]);
  }

  async #begin(rule: SubmoduleSettings, organization: string): Promise<HeldKeyReading> {
    const begun = this.#load(rule, organization);
    this.#readings.set(rule, begun);
    const reading = await begun;
    if (reading.kind === 'refused' && this.#readings.get(rule) === begun) this.#readings.delete(rule);
    return reading;
  }

  async #load(rule: SubmoduleSettings, organization: string): Promise<HeldKeyReading> {
    try {
      return await (this.#parts.settings().sshKeyHolder === 'agent'
        ? this.#handOver(rule)
        : this.#readHere(rule));
    } catch (error) {
      if (error instanceof SshFailure) return this.#refuseHolder(error);
      const why = error instanceof Error ? printable(error.message, 200) : 'unknown error';
      return {
        kind: 'refused',
        reason: `it cannot be read: ${why}`,
        hint: `run: orgkey ssh-key add ${organization}`,
      };
    }
  }

  async #readHere({privateKey, host}: SubmoduleSettings): Promise<HeldKeyReading> {
    const secret = await this.#parts.readSecret(privateKey);
    try {
      return await readPrivateKey(secret, host);
    } finally {
      secret.erase();
    }
  }

  async #handOver(rule: SubmoduleSettings): Promise<HeldKeyReading> {
    const {privateKey: source, host} = rule;
    if (source.from === 'held' || !this.#parts.settings().submodules.includes(rule))
      return {kind: 'refused', reason: 'the configuration has just changed', hint: 'try again'};
    // most have no agent: they do not load what speaks to it
    const {AgentKeys} = await import('../agent/agent-keys.ts');
    this.#agent ??= new AgentKeys(this.#parts.agentPlace);
    const reading = await this.#agent.load(source, host, () => this.#parts.readSecret(source));
    this.#trouble = undefined;
    return reading;
  }

  #refuseHolder(failure: SshFailure): KeyRefusal {
    this.#trouble = failure;
    const {message, hints} = failure;
    return {kind: 'refused', reason: message, hint: hints[0] ?? 'run: orgkey doctor'};
  }
}
