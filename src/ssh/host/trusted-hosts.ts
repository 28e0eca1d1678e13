import {readFile} from 'node:fs/promises';
import {join} from 'node:path';

/** In the state directory, or beside the machine's configuration: what `ssh-key trust` keeps, by OpenSSH's known_hosts format. */
export const TRUSTED_HOSTS = 'known_hosts';

/** The keys that somebody has compared. `isWhole`: nothing that is there could not be read. */
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
