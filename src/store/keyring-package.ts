/** The service under which our entries are in a keyring. */
export const KEYRING_SERVICE = 'orgkey';

export type OpenEntry = (name: string) => unknown;

/** Returns how to open entries with the module `@napi-rs/keyring`. `undefined`: it is another module. */
export function entriesOf(module: unknown): OpenEntry | undefined {
  if (typeof module !== 'object' || module === null) return undefined;
  const Entry: unknown = Reflect.get(module, 'AsyncEntry');
  if (typeof Entry !== 'function') return undefined;
  return (name) => Reflect.construct(Entry, [KEYRING_SERVICE, name, PINNED]);
}

// otherwise the package may silently use the kernel's keyring, which is empty after a reboot
const PINNED = {linux: {store: 'secret-service'}};
