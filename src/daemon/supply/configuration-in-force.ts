import type {Configuration, Loaded, Problem} from '../../config/configuration.ts';
import {Bindings} from '../../identity/bindings.ts';
import {AZURE_DEVOPS_SCOPE, type Wanted} from '../../token/acquire.ts';

/** The configuration that requests are answered by. A bad new one changes nothing, and is remembered. */
export class ConfigurationInForce {
  readonly #load: () => Promise<Loaded>;
  readonly #now: () => number;
  #configuration: Configuration;
  #bindings = new Bindings([]);
  #problems: readonly Problem[] = [];
  #files: readonly string[] = [];
  #loadedAt = 0;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<boolean> | undefined;

  /** `initial` has every default and no credential. `now` is in milliseconds since epoch. */
  constructor({
    load,
    initial,
    now,
  }: {
    load: () => Promise<Loaded>;
    initial: Configuration;
    now: () => number;
  }) {
    this.#load = load;
    this.#configuration = initial;
    this.#now = now;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get bindings(): Bindings {
    return this.#bindings;
  }

  /** Of a configuration that was not taken. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Absolute paths whose change is of interest, those of a bad configuration included. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** Milliseconds since epoch. */
  get loadedAt(): number {
    return this.#loadedAt;
  }

  /** Whether some logins are to outlive the daemon. */
  get persistsLogins(): boolean {
    return this.#bindings.all.some(({identity}) => identity.kind === 'stored' && identity.persist);
  }

  /** Every token that the configured identities can want. */
  *wanted(): Iterable<Wanted> {
    for (const {identity} of this.#bindings.all) {
      if (identity.kind !== 'stored') yield {identity, scope: AZURE_DEVOPS_SCOPE};
    }
  }

  /**
   * Reads it again; `true` if another one is in force afterwards. Whoever asks while it is being read may know of a
   * change that came too late for that: it is read once more, for all of them.
   */
  reload(): Promise<boolean> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      return this.#reload();
    });
    this.#last = this.#next.catch(() => undefined);
    return this.#next;
  }

  async #reload(): Promise<boolean> {
    const loaded = await this.#load();
    if (loaded.kind === 'invalid') {
      this.#problems = loaded.problems;
      this.#files = [...new Set([...this.#files, ...loaded.files])];
      return false;
    }
    this.#problems = [];
    this.#files = loaded.configuration.files;
    this.#configuration = loaded.configuration;
    this.#bindings = new Bindings(loaded.configuration.bindings);
    this.#loadedAt = this.#now();
    return true;
  }
}
