import {GitError} from './run-git.ts';

/** One line of git's configuration. */
export interface Setting {
  /** `credential.https://dev.azure.com/contoso.helper`. */
  readonly key: string;
  readonly value: string;
}

/** `!'/abs path/git-credential-orgkey'`: git runs it through a shell. @throws {GitError} */
export function helperValue(path: string): string {
  return `!${quoteForShell(path)}`;
}

/** For POSIX shells, whatever the text holds. */
function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Whether a helper line is one that we write, from wherever we were installed then. */
export function isOurHelper(value: string): boolean {
  return /^!'(?:[^']|'\\'')*\/git-credential-orgkey'$/.test(value);
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
