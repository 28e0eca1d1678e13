import type {OpenedStore} from '../../store/open-store.ts';
import type {SecretSection, StoreTrouble} from '../../store/secret-store.ts';
import type {Notice} from '../../control/control-protocol.ts';

/** The secret store, which is opened when it is first needed: most daemons never need it. */
export class LazyStore {
  readonly #open: () => Promise<OpenedStore>;
  #opened: Promise<OpenedStore> | undefined;
  #opening: readonly Notice[] = [];
  #troubles: readonly Notice[] = [];
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(open: () => Promise<OpenedStore>) {
    this.#open = open;
  }

  /** What status warns of, once it is open or could not be opened; entries that can't be read as of the last look. */
  get notices(): readonly Notice[] {
    return [...this.#opening, ...this.#troubles];
  }

  /** The part of the store whose names begin so. */
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

  /** Waits for what is under way, and has the key overwritten. For the end; never rejects. */
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

  /** Looks for entries that can't be read, where the store is open. To be called every minute or so; never rejects. */
  async look(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    if (opened === undefined) return;
    try {
      this.#troubles = troubleNotices(await opened.store.troubles(), opened.warning !== undefined);
    } catch (error) {
      this.#troubles = [{level: 'red', ...describe(error)}];
    }
  }

  /** A store that could not be opened is tried anew the next time: a disk can be mended. */
  #ready(): Promise<OpenedStore> {
    if (this.#opened !== undefined) return this.#opened;
    const opening = this.#open().then(
      (opened) => {
        const {warning} = opened;
        this.#opening = warning ? [{level: 'yellow', ...warning}] : [];
        return opened;
      },
      (error: unknown) => {
        this.#opened = undefined;
        this.#opening = [{level: 'red', ...describe(error)}];
        throw error;
      },
    );
    this.#opened = opening;
    void this.look();
    return opening;
  }
}

/** One notice for each sort of trouble: a lost key spoils every entry. */
function troubleNotices(troubles: readonly StoreTrouble[], isWarnedOf: boolean): Notice[] {
  const sorts = Map.groupBy(troubles, ({error}) => error.code);
  // that the key is missing was said when the store was opened
  if (isWarnedOf) sorts.delete('ERR_STORE_LOCKED');
  return Array.from(sorts.values(), ([first, ...others]) => {
    const {message, hint} = describe(first?.error);
    const more = others.length === 0 ? '' : `, and ${others.length} more like it`;
    return {level: 'yellow', message: `a stored secret is of no use: ${message}${more}`, hint};
  });
}

function describe(error: unknown): {readonly message: string; readonly hint: string} {
  const message = error instanceof Error ? error.message : String(error);
  const hint =
    error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  return {message, hint: hint ?? 'run: orgkey doctor'};
}
