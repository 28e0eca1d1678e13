import type {Configuration, Loaded, Problem} from '../../config/configuration.ts';
import {Bindings} from '../../identity/bindings.ts';
import {AZURE_DEVOPS_SCOPE, type Wanted} from '../../token/acquire.ts';
import {Turns} from '../../turns.ts';

interface ConfigurationInForceParts {
  /** Reads the configuration again. */
  readonly load: (inForce: Configuration) => Promise<Loaded>;
  /** Has every default and no credential. */
  readonly initial: Configuration;
  /** In milliseconds since epoch. */
  readonly now: () => number;
}

/** The configuration by which requests are answered. An invalid new one changes nothing, and its problems are kept. */
export class ConfigurationInForce {
  readonly #parts: ConfigurationInForceParts;
  readonly #readings = new Turns();
  #next: Promise<boolean> | undefined;
  #configuration: Configuration;
  #bindings = new Bindings([]);
  #problems: readonly Problem[] = [];
  #files: readonly string[] = [];
  #loadedAt: number | undefined;

  constructor(parts: ConfigurationInForceParts) {
    this.#parts = parts;
    this.#configuration = parts.initial;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get bindings(): Bindings {
    return this.#bindings;
  }

  /** The problems of a configuration that was not taken. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Why no organization is configured at all, if an invalid configuration is the reason. */
  get reasonForNone(): string | undefined {
    const [first] = this.#problems;
    return first && this.#bindings.all.length === 0 ? `${first.place}: ${first.message}` : undefined;
  }

  /** Absolute paths to watch, including those of an invalid configuration. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** Milliseconds since epoch. `undefined`: no configuration was taken yet. */
  get loadedAt(): number | undefined {
    return this.#loadedAt;
  }

  /** Whether some logins outlive the daemon. */
  get persistsLogins(): boolean {
    return this.#bindings.all.some(({identity}) => identity.kind === 'stored' && identity.persist);
  }

  /** Every token that the configured identities can want. */
  *wanted(): Iterable<Wanted> {
    for (const {identity} of this.#bindings.all) {
      if (identity.kind !== 'stored' && identity.kind !== 'unusable')
        yield {identity, scope: AZURE_DEVOPS_SCOPE};
    }
  }

  /**
   * Reads the configuration again. Resolves to `true` if a new one is in force. Callers that ask during a reading may
   * know of a change that it missed, so they share one more reading after it.
   */
  reload(): Promise<boolean> {
    this.#next ??= this.#readings.take(() => {
      this.#next = undefined;
      return this.#reload();
    });
    return this.#next;
  }

  async #reload(): Promise<boolean> {
    const loaded = await this.#parts.load(this.#configuration);
    if (loaded.kind === 'invalid') {
      this.#problems = loaded.problems;
      this.#files = [...new Set([...this.#files, ...loaded.files])];
      return false;
    }
    this.#problems = [];
    this.#files = loaded.configuration.files;
    this.#configuration = loaded.configuration;
    this.#bindings = new Bindings(loaded.configuration.bindings);
    this.#loadedAt = this.#parts.now();
    return true;
  }
}
