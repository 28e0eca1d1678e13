import {readFile} from 'node:fs/promises';
import {join} from 'node:path';

/** The file of `ssh-key trust`, in the state directory or next to the machine's configuration, as OpenSSH's known_hosts. */
export const TRUSTED_HOSTS = 'known_hosts';

/** Reads the host keys that users have confirmed. `isWhole`: every existing file was read. */
export async function readTrustedHosts(
  directories: readonly string[],
): Promise<{readonly text: string; readonly isWhole: boolean}> {
  const texts = await Promise.all(
    directories.map((directory) =>
      readFile(join(directory, TRUSTED_HOSTS), 'utf8').catch((error: NodeJS.ErrnoException) =>
        error.code === 'ENOENT' ? '' : undefined,
      ),
    ),
  );
  return {text: texts.join('\n'), isWhole: !texts.includes(undefined)};
}
