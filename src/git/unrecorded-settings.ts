import {pathInHelper, type Setting} from './setting.ts';

/**
 * Lines of ours in the file at `path` that nothing recorded: of a setup whose state was lost. `useHttpPath` and
 * `proactiveAuth` are not among them, since a person may have set them himself.
 * @param present as git lists them: section and name in lower case
 */
export function unrecordedSettings(path: string, present: readonly Setting[]): Setting[] {
  const isWrapped = isSubmoduleFile(path) && present.some(callsWrapper);
  return present.filter((setting, at) => {
    const {key, value} = setting;
    if (pathInHelper(value) !== undefined || includesSubmoduleFile(setting)) return true;
    if (isWrapped && (callsWrapper(setting) || (key === 'ssh.variant' && value === 'ssh'))) return true;
    const next = present.slice(at + 1).find((later) => later.key === key);
    return value === '' && next !== undefined && pathInHelper(next.value) !== undefined;
  });
}

/** Whether it is the file that leads git to the ssh wrapper, in any directory of configurations. */
export function isSubmoduleFile(path: string): boolean {
  return /^\/(?:.*\/)?orgkey\/submodules\.gitconfig$/.test(path);
}

function includesSubmoduleFile({key, value}: Setting): boolean {
  return (
    /^includeif\.gitdir:\*\*\/\.git\/(?:worktrees\/\*\/)?modules\/\*\*\.path$/.test(key) &&
    isSubmoduleFile(value)
  );
}

function callsWrapper({key, value}: Setting): boolean {
  return key === 'core.sshcommand' && /^'\/.*\/orgkey-ssh'$/.test(value);
}
