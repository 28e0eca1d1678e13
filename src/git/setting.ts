import {quoteForShell} from '../text/quote-for-shell.ts';
import {GitError} from './run-git.ts';

/** One line of git's configuration. */
export interface Setting {
  /** `credential.https://dev.azure.com/contoso.helper`. */
  readonly key: string;
  readonly value: string;
}

/**
 * `!script='/abs path/git-credential-orgkey'; f() { . "$script"; }; f`: git runs a helper through a shell anyway, and
 * that shell reads the script instead of starting a second one. @throws {GitError}
 */
export function helperValue(path: string): string {
  return `!script=${quoteForShell(path)}; f() { . "$script"; }; f`;
}

/** The script's path in a helper line as we write it, or as we once did: `!'/abs path/git-credential-orgkey'`. */
export function pathInHelper(value: string): string | undefined {
  const quoted = /^!(?:script=)?'((?:[^']|'\\'')*\/git-credential-orgkey)'/.exec(value)?.[1];
  const path = quoted?.replaceAll(String.raw`'\''`, "'");
  if (path === undefined) return undefined;
  return value === helperValue(path) || value === `!${quoteForShell(path)}` ? path : undefined;
}

/**
 * Git's configuration takes a line break into a value and then reads back another one, and what reaches a shell or
 * the credential protocol with one in it is an attack.
 * @throws {GitError}
 */
export function checkSetting({key, value}: Setting): void {
  for (const text of [key, value]) {
    // eslint-disable-next-line no-control-regex
    if (/[\r\n\0]/.test(text))
      throw new GitError('ERR_GIT_VALUE', `a line break or a NUL in ${JSON.stringify(text)}`, {
        hint: 'move it to a path without such characters',
      });
  }
}
