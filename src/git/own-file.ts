import {join} from 'node:path';
import {partsOfKey} from './seen-settings.ts';
import type {Setting} from './setting.ts';

/** The name of the file with everything that `setup` tells git, in the directory of orgkey's configuration. */
export const OWN_FILE = 'gitconfig';

/**
 * Returns the one line that leads git to our file. Git skips a missing file without a word, so a copy of the line is
 * harmless elsewhere. Below home the path starts with `~`: then a copy never leads into the home of another user.
 */
export function includeOf(path: string, home: string | undefined): Setting {
  const below = home !== undefined && home !== '/' && path.startsWith(join(home, '/'));
  return {key: 'include.path', value: below ? `~${path.slice(join(home, '/').length - 1)}` : path};
}

/** Whether a line leads git to our file, in any configuration directory. */
export function includesOwnFile({key, value}: Setting): boolean {
  return key.toLowerCase() === 'include.path' && isOwnFile(value);
}

/** Whether this is our file, in any configuration directory. */
export function isOwnFile(path: string): boolean {
  return /^~?\/(?:.*\/)?orgkey\/gitconfig$/.test(path);
}

/** Whether `setup` may have written a line of our file. */
export function isOwnLine({key}: Setting): boolean {
  const {section, name} = partsOfKey(key);
  if (section === 'credential') return name === 'helper' || name === 'usehttppath';
  if (section === 'http') return name === 'proactiveauth' || name === 'proxy';
  return section === 'includeif' || (section === 'url' && name === 'insteadof');
}
