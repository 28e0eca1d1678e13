import type {Configuration, Loaded, Problem} from '../../config/configuration.ts';
import {Bindings} from '../../identity/bindings.ts';
import {AZURE_DEVOPS_SCOPE, type Wanted} from '../../token/acquire.ts';
import {Turns} from '../../turns.ts';

interface ConfigurationInForceParts {
  /** Reads the configuration again. */
  readonly load: (inForce: Configuration) => Promise<Loaded>;
  /** Reads what was kept of the last valid configuration of that file. `undefined`: nothing was. */
  readonly recall: (source: string) => Promise<Loaded | undefined>;
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
  #isKept = false;

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

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Why no organization is configured at all, if an invalid configuration is the reason. */
  get reasonForNone(): string | undefined {
    const [first] = this.#problems;
    return first && this.#bindings.all.length === 0 ? `${first.place}: ${first.message}` : undefined;
  }

  /** Whether the configuration in force is the copy of an earlier run, because the file was invalid at the start. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** How the configuration in force relates to the file. */
  get stage(): 'current' | 'previous' | 'kept' | 'none' {
    if (this.#isKept) return 'kept';
    if (this.#problems.length === 0) return 'current';
    return this.#loadedAt !== undefined ? 'previous' : 'none';
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
    if (loaded.kind === 'loaded') {
      this.#problems = [];
      this.#files = [];
      this.#isKept = false;
      this.#take(loaded.configuration);
      return true;
    }
    this.#problems = loaded.problems;
    this.#files = [...new Set([...this.#files, ...loaded.files])];
    if (this.#loadedAt !== undefined && !this.#isKept) return false;
    const kept = await this.#parts.recall(loaded.source);
    if (kept?.kind !== 'loaded') return false;
    this.#isKept = true;
    this.#take(kept.configuration);
    return true;
  }

  #take(configuration: Configuration): void {
    this.#files = [...new Set([...this.#files, ...configuration.files])];
    this.#configuration = configuration;
    this.#bindings = new Bindings(configuration.bindings);
    this.#loadedAt = this.#parts.now();
  }
}
