import {constants} from 'node:fs';
import {open, readdir, realpath} from 'node:fs/promises';
import {join} from 'node:path';

import {shellWord} from '../../text/quote-for-shell.ts';
import {Secret} from '../../secret/secret.ts';

export type KeyFileReading =
  | {readonly kind: 'text'; readonly secret: Secret}
  /** Half a sentence, lower case, no full stop; and what repairs it. */
  | {readonly kind: 'refused'; readonly reason: string; readonly hint: string};

/** In bytes; an RSA key of 16384 bits has 13 KiB. */
const MAX_KEY_FILE = 64 * 1024;

/**
 * Reads the file of a private key, as `ssh-key add --file` is given it: ours or root's, readable by nobody else, and
 * not the personal key of its owner. `personal: 'taken'` takes that one too.
 */
export async function readKeyFile(
  path: string,
  {
    home,
    userId,
    personal,
  }: {readonly home: string; readonly userId: number; readonly personal: 'refused' | 'taken'},
): Promise<KeyFileReading> {
  if (personal === 'refused' && (await isPersonalKey(path, home)))
    return refused(
      'this is your own key: it opens more than submodules, and everything that you may do',
      'make one for this: orgkey ssh-key new ORGANIZATION (or take this one all the same: --force)',
    );
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const {uid, mode, size} = await file.stat();
      if ((mode & constants.S_IFMT) !== constants.S_IFREG)
        return refused('the path is not a file', 'give a key file');
      if (uid !== userId && uid !== 0)
        return refused(
          'the key file belongs to somebody else',
          `run: sudo chown ${userId} ${shellWord(path)}`,
        );
      if ((mode & 0o077) !== 0)
        return refused(
          `others can read the key file (mode ${(mode & 0o777).toString(8).padStart(4, '0')}), and may have a copy`,
          `run: chmod 600 ${shellWord(path)}`,
        );
      if (size > MAX_KEY_FILE) return refused('the file is too long for a key', 'give a key file');
      return {kind: 'text', secret: new Secret(await file.readFile())};
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(`the key file cannot be read (${code})`, 'check the path, and who may read it');
  }
}

/** Whether a path leads to one of the keys that ssh itself offers for the user: `~/.ssh/id_*`, wherever those lead. */
export async function isPersonalKey(path: string, home: string): Promise<boolean> {
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

function refused(reason: string, hint: string): KeyFileReading {
  return {kind: 'refused', reason, hint};
}
