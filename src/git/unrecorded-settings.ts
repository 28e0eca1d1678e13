import {pathInSshCommand} from './git-include.ts';
import {includesOwnFile, isOwnFile, isOwnLine} from './own-file.ts';
import {pathInHelper, type Setting} from './setting.ts';

/**
 * Returns our lines in the file at `path` that are not recorded, because the state of that setup was lost. Earlier
 * versions wrote all of them into the user's file: there a `useHttpPath` or `proactiveAuth` is ours only if it follows
 * our helper of the same URL, as `setup` wrote them.
 * @param present as git lists them: section and name in lower case
 */
export function unrecordedSettings(path: string, present: readonly Setting[]): Setting[] {
  if (isOwnFile(path)) return present.filter(isOwnLine);
  const isWrapped = isSubmoduleFile(path) && present.some(callsWrapper);
  return present.filter((setting, at) => {
    const {key, value} = setting;
    if (pathInHelper(value) !== undefined || includesOwnFile(setting) || includesSubmoduleFile(setting))
      return true;
    if (isWrapped && (callsWrapper(setting) || (key === 'ssh.variant' && value === 'ssh'))) return true;
    if (followsHelper(setting, present.slice(0, at))) return true;
    const next = present.slice(at + 1).find((later) => later.key === key);
    return value === '' && next !== undefined && pathInHelper(next.value) !== undefined;
  });
}

/** Whether this is a line that `setup` wrote after our helper of the same URL. */
function followsHelper({key, value}: Setting, before: readonly Setting[]): boolean {
  if (key.endsWith('.usehttppath') && value === 'true') {
    const last = before.at(-1);
    return last?.key === key.replace(/usehttppath$/, 'helper') && pathInHelper(last.value) !== undefined;
  }
  if (!/^http\..*\.proactiveauth$/.test(key) || value !== 'auto') return false;
  const helper = key.replace(/^http\./, 'credential.').replace(/proactiveauth$/, 'helper');
  return before.some((one) => one.key === helper && pathInHelper(one.value) !== undefined);
}

/** Whether this is the file that makes git use the ssh wrapper, in any configuration directory. */
export function isSubmoduleFile(path: string): boolean {
  return /^\/(?:.*\/)?orgkey\/submodules\.gitconfig$/.test(path);
}

function includesSubmoduleFile({key, value}: Setting): boolean {
  return /^includeif\.gitdir:.*modules\/\*\*\.path$/.test(key) && isSubmoduleFile(value);
}

function callsWrapper({key, value}: Setting): boolean {
  return key === 'core.sshcommand' && pathInSshCommand(value) !== undefined;
}
