import type {OpenedStore} from '../../store/open-store.ts';
import type {Notice} from '../../control/control-protocol.ts';
import type {SecretSection, UnreadableEntry} from '../../store/secret-store.ts';
import {OrgkeyError, messageOf} from '../../text/orgkey-error.ts';

/** Opens the secret store on first use. Most daemons never need it. */
export class LazyStore {
  readonly #open: () => Promise<OpenedStore>;
  readonly #acceptsPlain: () => boolean;
  #opened: Promise<OpenedStore> | undefined;
  #opening: readonly Notice[] = [];
  #isPlain = false;
  #unreadable: readonly Notice[] = [];
  readonly #underWay = new Set<Promise<unknown>>();

  /** `acceptsPlain`: whether the user accepts that secrets are unencrypted. */
  constructor(open: () => Promise<OpenedStore>, acceptsPlain: () => boolean) {
    this.#open = open;
    this.#acceptsPlain = acceptsPlain;
  }

  /** What is wrong with the store, including the entries that could not be read at the last look. */
  get notices(): readonly Notice[] {
    const isAccepted = this.#isPlain && this.#acceptsPlain();
    return [...(isAccepted ? [] : this.#opening), ...this.#unreadable];
  }

  /** Returns the part of the store whose names begin with `prefix`. */
  section(prefix: string): SecretSection {
    const use = async <T>(act: (section: SecretSection) => Promise<T>): Promise<T> =>
      this.#followed(this.#ready().then(({store}) => act(store.section(prefix))));
    return {
      read: async (name) => use((section) => section.read(name)),
      write: async (name, secret) => use((section) => section.write(name, secret)),
      remove: async (name) => use((section) => section.remove(name)),
      names: async () => use((section) => section.names()),
    };
  }

  /** Waits for what is under way, and overwrites the key. Never rejects. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.store.close();
  }

  async #followed<T>(use: Promise<T>): Promise<T> {
    this.#underWay.add(use);
    try {
      return await use;
    } finally {
      this.#underWay.delete(use);
    }
  }

  /** Looks for unreadable entries if the store is open. Call it every minute. Never rejects. */
  async look(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    if (opened === undefined) return;
    try {
      this.#unreadable = entryNotices(await opened.store.unreadable(), opened.warning !== undefined);
    } catch (error) {
      this.#unreadable = [{level: 'error', ...describe(error)}];
    }
  }

  /** Tries again if the store could not be opened: the disk may be repaired by now. */
  #ready(): Promise<OpenedStore> {
    if (this.#opened !== undefined) return this.#opened;
    const opening = this.#open().then(
      (opened) => {
        const {warning} = opened;
        this.#isPlain = warning?.isPlain ?? false;
        this.#opening = warning ? [{level: 'warning', message: warning.message, hint: warning.hint}] : [];
        return opened;
      },
      (error: unknown) => {
        this.#opened = undefined;
        this.#isPlain = false;
        this.#opening = [{level: 'error', ...describe(error)}];
        throw error;
      },
    );
    this.#opened = opening;
    void this.look();
    return opening;
  }
}

/** Returns one notice for each kind of error: a lost key affects every entry. */
function entryNotices(entries: readonly UnreadableEntry[], isWarnedOf: boolean): Notice[] {
  const sorts = Map.groupBy(entries, ({error}) => error.code);
  // the warning at opening says that the key is missing
  if (isWarnedOf) sorts.delete('ERR_STORE_LOCKED');
  return Array.from(sorts.values(), ([first, ...others]) => {
    const {message, hint} = describe(first?.error);
    const more = others.length === 0 ? '' : `, and ${others.length} more like it`;
    return {level: 'warning', message: `a stored secret cannot be read: ${message}${more}`, hint};
  });
}

function describe(error: unknown): {readonly message: string; readonly hint: string} {
  const hint = error instanceof OrgkeyError ? error.hint : undefined;
  return {message: messageOf(error), hint: hint ?? 'run: orgkey doctor'};
}
