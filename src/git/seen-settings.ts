import {printable} from '../text/printable.ts';
import {HIDDEN, showAddress} from '../text/show-address.ts';
import {GitError, type RunGit} from './run-git.ts';
import type {Setting} from './setting.ts';
import {coversUrl} from './match-url.ts';

/** A setting that git sees, and the place where it is set. */
export interface SeenSetting extends Setting {
  /** `system`, `global`, `local`, `worktree`, `command`. */
  readonly scope: string;
  /** `file:/home/me/.gitconfig`; `command line:` is also the origin of `GIT_CONFIG_…` variables. */
  readonly origin: string;
}

/**
 * Returns every setting that git sees in its directory, in the order of reading, with those of included files, of the
 * repository and of variables. Section and name of each key are in lower case.
 * @throws {GitError} if git cannot read its configuration.
 */
export async function readSeenSettings(git: RunGit): Promise<readonly SeenSetting[]> {
  const {status, stdout, stderr} = await git(['config', '--list', '--show-scope', '--show-origin', '--null']);
  if (status !== 0)
    throw new GitError('ERR_GIT_CONFIG', `git cannot read its configuration: ${printable(stderr.trim())}`, {
      hint: 'correct the file that git names',
    });
  const parts = stdout.split('\0');
  const settings: SeenSetting[] = [];
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [scope = '', origin = '', entry = ''] = parts.slice(at, at + 3);
    const end = entry.indexOf('\n');
    // a key without a value is true
    const [key, value] = end === -1 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)];
    settings.push({scope, origin, key, value});
  }
  return settings;
}

/** Splits a key such as `http.https://dev.azure.com.proxy` into section, subsection and name. */
export function partsOfKey(key: string): {
  readonly section: string;
  readonly between: string | undefined;
  readonly name: string;
} {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  return {
    section: key.slice(0, first),
    between: first === last ? undefined : key.slice(first + 1, last),
    name: key.slice(last + 1),
  };
}

/** Returns a key as it may be shown: an address in it loses its login, its query and what else may be a secret. */
export function showKey(key: string): string {
  const {section, between, name} = partsOfKey(key);
  if (between === undefined) return key;
  const isAddress = ADDRESSED.has(section.toLowerCase()) || /:\/\/|@/.test(between);
  if (!isAddress) return key;
  const shown = section.toLowerCase() === 'includeif' ? HIDDEN : showAddress(between, 'remote').shown;
  return `${section}.${shown}.${name}`;
}

/** Sections whose subsection is an address. */
const ADDRESSED: ReadonlySet<string> = new Set(['credential', 'http', 'url']);

/** Returns the settings of `http` with this name that cover a URL, in the order of reading. */
export function httpSettings(wanted: string, url: string, settings: readonly SeenSetting[]): SeenSetting[] {
  return settings.filter(({key}) => {
    const {section, between, name} = partsOfKey(key);
    return section === 'http' && name === wanted && (between === undefined || coversUrl(between, url));
  });
}

/** Returns the path of the file that a setting is in, as git names it. */
export function fileOf({origin}: SeenSetting): string {
  return origin.replace(/^file:/, '');
}

/** Describes the place of a setting: `global, /home/me/.gitconfig`, or the kind of override. */
export function describeOrigin(setting: SeenSetting): string {
  if (setting.scope === 'command') return 'set by -c or GIT_CONFIG_… variables';
  return `${setting.scope}, ${printable(fileOf(setting), 200)}`;
}

/** Returns a boolean as git reads it. `undefined`: git would reject the value. */
export function truthOf(value: string): boolean | undefined {
  const word = value.toLowerCase();
  if (['true', 'yes', 'on'].includes(word)) return true;
  if (['false', 'no', 'off', ''].includes(word)) return false;
  return /^[0-9]+$/.test(word) ? Number(word) !== 0 : undefined;
}
