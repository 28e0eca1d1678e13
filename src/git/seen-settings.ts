import {printable} from '../text/printable.ts';
import {GitError, type RunGit} from './run-git.ts';
import type {Setting} from './setting.ts';

/** A setting that is in force somewhere, and where it stands. */
export interface SeenSetting extends Setting {
  /** `system`, `global`, `local`, `worktree`, `command`. */
  readonly scope: string;
  /** `file:/home/me/.gitconfig`; `command line:` also stands for the variables `GIT_CONFIG_…`. */
  readonly origin: string;
}

/**
 * Every setting that git sees from where it runs, in the order in which it reads them: files that are included, the
 * repository's own and those of variables as well. Git gives section and name of
 * the keys in lower case.
 * @throws {GitError} where git cannot read its configuration.
 */
export async function readSeenSettings(git: RunGit): Promise<readonly SeenSetting[]> {
  const {status, stdout, stderr} = await git(['config', '--list', '--show-scope', '--show-origin', '--null']);
  if (status !== 0)
    throw new GitError('ERR_GIT_CONFIG', `git does not read its configuration: ${printable(stderr.trim())}`, {
      hint: 'correct the file that it names',
    });
  const parts = stdout.split('\0');
  const settings: SeenSetting[] = [];
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [scope = '', origin = '', entry = ''] = parts.slice(at, at + 3);
    const end = entry.indexOf('\n');
    // a name alone means true
    const [key, value] = end === -1 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)];
    settings.push({scope, origin, key, value});
  }
  return settings;
}

/** Of `http.https://dev.azure.com.proxy`: section, what stands between, and name. */
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

/** For people: `global, /home/me/.gitconfig`, or which kind of override it is. */
export function describeOrigin({scope, origin}: SeenSetting): string {
  if (scope === 'command') return 'given by -c or GIT_CONFIG_… variables';
  return `${scope}, ${printable(origin.replace(/^file:/, ''), 200)}`;
}

/** As git reads a truth value; `undefined`: it would refuse. */
export function truthOf(value: string): boolean | undefined {
  const word = value.toLowerCase();
  if (['true', 'yes', 'on'].includes(word)) return true;
  if (['false', 'no', 'off', ''].includes(word)) return false;
  return /^[0-9]+$/.test(word) ? Number(word) !== 0 : undefined;
}
