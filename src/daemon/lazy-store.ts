import type {SecretSection, SecretStore} from '../store/secret-store.ts';

/** A part of the secret store, which is opened when it is first needed: most requests never need it. */
export function lazySection(open: () => Promise<SecretStore>, prefix: string): SecretSection {
  const section = async () => (await open()).section(prefix);
  return {
    read: async (name) => (await section()).read(name),
    write: async (name, secret) => (await section()).write(name, secret),
    remove: async (name) => (await section()).remove(name),
    names: async () => (await section()).names(),
  };
}
