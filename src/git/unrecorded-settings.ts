import {pathInHelper, type Setting} from './setting.ts';

/**
 * Returns our lines in the file at `path` that are not recorded, because the state of that setup was lost. They do not
 * include `useHttpPath` and `proactiveAuth`, which the user may have set.
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

/** Whether this is the file that makes git use the ssh wrapper, in any configuration directory. */
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
