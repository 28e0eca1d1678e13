import {constants} from 'node:fs';
import {open, readdir, realpath} from 'node:fs/promises';
import {join} from 'node:path';

import {codeOf} from '../../text/orgkey-error.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {Secret} from '../../secret/secret.ts';
import {failed, type KeyFailure} from './private-key.ts';

type KeyFileReading = {readonly kind: 'text'; readonly secret: Secret} | KeyFailure;

/** In bytes; an RSA key of 16,384 bits takes 13 KiB. */
const MAX_KEY_FILE = 64 * 1024;

/**
 * Reads a private key file, as given to `ssh-key add --file`. It must belong to the user or to root, and no other user
 * may read it. `personal`: whether the user's own ssh key is accepted.
 */
export async function readKeyFile(
  path: string,
  {
    home,
    userId,
    personal,
  }: {readonly home: string; readonly userId: number; readonly personal: 'rejected' | 'accepted'},
): Promise<KeyFileReading> {
  if (personal === 'rejected' && (await isPersonalKey(path, home)))
    return failed(
      'this is your personal key, which gives access to everything that you may do',
      'make one for submodules: orgkey ssh-key new ORGANIZATION (or use this one: --force)',
    );
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const {uid, mode, size} = await file.stat();
      if ((mode & constants.S_IFMT) !== constants.S_IFREG)
        return failed('the path is not a file', 'give the path of a key file');
      if (uid !== userId && uid !== 0)
        return failed('the key file belongs to another user', `run: sudo chown ${userId} ${shellWord(path)}`);
      if ((mode & 0o077) !== 0)
        return failed(
          `other users can read the key file (mode ${(mode & 0o777).toString(8).padStart(4, '0')}) and may have copied it`,
          `run: chmod 600 ${shellWord(path)}`,
        );
      if (size > MAX_KEY_FILE)
        return failed('the file is too large for a key', 'give the path of a key file');
      return {kind: 'text', secret: new Secret(await file.readFile())};
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error';
    return failed(`the key file cannot be read (${code})`, 'check the path, and who may read it');
  }
}

/** Returns whether a path leads to one of the keys that ssh offers for the user: `~/.ssh/id_*`, links included. */
async function isPersonalKey(path: string, home: string): Promise<boolean> {
  const directory = join(home, '.ssh');
  const names = await readdir(directory).catch(() => []);
  const own = names.filter((name) => /^id_(?!.*\.pub$)/.test(name));
  const real = await Promise.all(own.map((name) => resolved(join(directory, name))));
  return real.includes(await resolved(path));
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path;
  }
}
