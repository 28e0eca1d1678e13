/** The scripts that git and tools run, by their place in the folder of the program. */
export const CLIENT_SCRIPTS = [
  'git-credential-orgkey',
  'orgkey-ssh',
  'cargo-credential-orgkey',
  'orgkey-bazel-helper',
  'orgkey-goauth',
  'orgkey-token',
  'keyring/keyring',
] as const;

export type ClientScript = (typeof CLIENT_SCRIPTS)[number];

/** Returns the name of a script beside a socket, where a container has nothing else on its PATH that it could hide. */
export function nameBesideSocket(script: string): string {
  return script.slice(script.indexOf('/') + 1);
}
