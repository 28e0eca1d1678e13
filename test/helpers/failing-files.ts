import type {StoreFiles} from '../../src/store/store-files.ts';

type WritableFile = Awaited<ReturnType<StoreFiles['create']>>;

/** One step of a store on its disk. */
export interface Step {
  /** From 1. */
  readonly number: number;
  readonly what: keyof StoreFiles | keyof WritableFile;
}

/**
 * The files below, with something done before and after each step: `before` may throw instead of it. Writes are cut
 * to `most` bytes, so that each takes several.
 */
export function watchedFiles(
  below: StoreFiles,
  {
    before = () => undefined,
    after = () => undefined,
    most = Infinity,
  }: {
    readonly before?: (step: Step) => void;
    readonly after?: (step: Step) => void;
    readonly most?: number;
  },
): StoreFiles {
  let number = 0;
  async function step<T>(what: Step['what'], act: () => Promise<T>): Promise<T> {
    const now = {number: ++number, what};
    before(now);
    const result = await act();
    after(now);
    return result;
  }
  return {
    makeDirectory: (path) => step('makeDirectory', () => below.makeDirectory(path)),
    facts: (path) => step('facts', () => below.facts(path)),
    list: (directory) => step('list', () => below.list(directory)),
    read: (path, limit) => step('read', () => below.read(path, limit)),
    rename: (from, to) => step('rename', () => below.rename(from, to)),
    remove: (path) => step('remove', () => below.remove(path)),
    syncDirectory: (path) => step('syncDirectory', () => below.syncDirectory(path)),
    async create(path) {
      const file = await step('create', () => below.create(path));
      return {
        write: (bytes) => step('write', () => file.write(bytes.subarray(0, most))),
        sync: () => step('sync', () => file.sync()),
        close: () => step('close', () => file.close()),
      };
    },
  };
}

/** Returns an error as the system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), {code});
}
