import {quoteForShell} from '../text/quote-for-shell.ts';

/** One setting of git: key and value, before any quoting of git's own. */
export type GitSetting = readonly [key: string, value: string];

interface SubmoduleInclude {
  /** The `includeIf` settings of the user's configuration that lead to the file at `path`. */
  readonly conditions: readonly GitSetting[];
  /** The content of that file. */
  readonly settings: readonly GitSetting[];
}

/**
 * Returns the settings that make git use the wrapper inside submodules, and nowhere else: a submodule's git directory
 * is in the `modules` of its parent, or of one of the parent's linked worktrees.
 * @param wrapper absolute path of `orgkey-ssh`
 * @param path absolute path of the file to include
 * @throws {RangeError} if a path is not absolute or contains a line break or a NUL.
 * @see https://git-scm.com/docs/git-config#_conditional_includes
 */
export function submoduleInclude({
  wrapper,
  path,
}: {
  readonly wrapper: string;
  readonly path: string;
}): SubmoduleInclude {
  for (const each of [wrapper, path])
    if (!each.startsWith('/') || /[\r\n\0]/.test(each))
      throw new RangeError('a path for git is not absolute, or contains a line break');
  return {
    conditions: PLACES.map((place) => [`includeIf.gitdir:${place}.path`, path]),
    settings: [
      ['core.sshCommand', sshCommandValue(wrapper)],
      // without it git would run the wrapper with -G to detect the variant
      ['ssh.variant', 'ssh'],
    ],
  };
}

/** Git runs it through a shell. Without the script, that runs what git would run without orgkey. */
function sshCommandValue(wrapper: string): string {
  return `wrapper=${quoteForShell(wrapper)}; f() { [ -x "$wrapper" ] || wrapper=\${GIT_SSH:-ssh}; "$wrapper" "$@"; }; f`;
}

/** Returns the path of our script in a `core.sshCommand`, in any form that a version of `setup` wrote. */
export function pathInSshCommand(value: string): string | undefined {
  const quoted = /^(?:wrapper=)?'((?:[^']|'\\'')*\/orgkey-ssh)'/.exec(value)?.[1];
  const path = quoted?.replaceAll(String.raw`'\''`, "'");
  if (path === undefined) return undefined;
  return [sshCommandValue(path), quoteForShell(path)].includes(value) ? path : undefined;
}

/**
 * The places of submodules' git directories, by the name of the repository's: `.git`, `NAME.git` of a bare clone or of
 * `--separate-git-dir`, `.bare` beside linked worktrees, and the usual names for dotfiles. A pattern for any name would
 * also match repositories below a directory called `modules`.
 */
const PLACES = [
  '**/.git/modules/**',
  '**/.git/worktrees/*/modules/**',
  '**/*.git/modules/**',
  '**/*.git/worktrees/*/modules/**',
  '**/.bare/modules/**',
  '**/.bare/worktrees/*/modules/**',
  '**/.dotfiles/modules/**',
  '**/.cfg/modules/**',
];

/** Returns whether the submodules of a repository are in one of these places, by the path of its git directory. */
export function isUsualPlace(gitDirectory: string): boolean {
  return /\/(?:[^/]*\.git|\.bare|\.dotfiles|\.cfg)(?:\/(?:worktrees|modules)\/.+)?$/.test(gitDirectory);
}

/** Returns the setting's key for the submodules of one repository whose git directory, an absolute path, is elsewhere. */
export function conditionFor(gitDirectory: string): string {
  const main = gitDirectory.replace(/\/worktrees\/[^/]+$/, '');
  return `includeIf.gitdir:${literal(main)}/**/modules/**.path`;
}

/** Returns a path as a pattern that matches only itself. */
function literal(path: string): string {
  return path.replaceAll(/[\\*?[]/g, String.raw`\$&`);
}
