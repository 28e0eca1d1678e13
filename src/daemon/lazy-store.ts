import type {OpenedStore} from '../store/open-store.ts';
import type {SecretSection} from '../store/secret-store.ts';
import type {Notice} from './control-protocol.ts';

/** The secret store, which is opened when it is first needed: most daemons never need it. */
export class LazyStore {
  readonly #open: () => Promise<OpenedStore>;
  #opened: Promise<OpenedStore> | undefined;
  #notices: readonly Notice[] = [];

  constructor(open: () => Promise<OpenedStore>) {
    this.#open = open;
  }

  /** What status warns of, once it is open or could not be opened. */
  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** The part of the store whose names begin so. */
  section(prefix: string): SecretSection {
    const section = async () => (await this.#ready()).store.section(prefix);
    return {
      read: async (name) => (await section()).read(name),
      write: async (name, secret) => (await section()).write(name, secret),
      remove: async (name) => (await section()).remove(name),
      names: async () => (await section()).names(),
    };
  }

  /** A store that could not be opened is tried anew the next time: a disk can be mended. */
  #ready(): Promise<OpenedStore> {
    this.#opened ??= this.#open().then(
      (opened) => {
        const {warning} = opened;
        this.#notices = warning ? [{level: 'yellow', ...warning}] : [];
        return opened;
      },
      (error: unknown) => {
        this.#opened = undefined;
        const message = error instanceof Error ? error.message : String(error);
        this.#notices = [{level: 'red', message, hint: 'run: orgkey doctor'}];
        throw error;
      },
    );
    return this.#opened;
  }
}
