/** The name under which all entries of ours lie in keyrings. */
export const KEYRING_SERVICE = 'orgkey';

/** Makes the entry of a name. */
export type OpenEntry = (name: string) => unknown;

/** The keyring that the package `@napi-rs/keyring` reaches. `undefined`: the module is another one. */
export function entriesOf(module: unknown): OpenEntry | undefined {
  if (typeof module !== 'object' || module === null) return undefined;
  const Entry: unknown = Reflect.get(module, 'AsyncEntry');
  if (typeof Entry !== 'function') return undefined;
  return (name) => Reflect.construct(Entry, [KEYRING_SERVICE, name, PINNED]);
}

// without it the package falls back, silently, to the kernel's keyring, which does not outlive the machine's start
const PINNED = {linux: {store: 'secret-service'}};
