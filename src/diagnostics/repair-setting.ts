import {partsOfKey, type SeenSetting} from '../git/seen-settings.ts';
import {printable} from '../text/printable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {maskLogins} from './mask-logins.ts';

/** The command that takes every line of a setting out where it stands. */
export function takeOut(setting: SeenSetting): string {
  return change(setting, fileOption(setting), (key) => `--unset-all ${key}`);
}

/** The command that takes out, of a setting's lines where it stands, those with its value, which is no secret. */
export function takeOutValue(setting: SeenSetting): string {
  const value = shellWord(setting.value);
  return change(setting, fileOption(setting), (key) => `--fixed-value --unset-all ${key} ${value}`);
}

/** Where the value may be a secret. */
export function lookFor(setting: SeenSetting): string {
  return change(setting, fileOption(setting), (key) => `--edit\nlook there for ${key}`);
}

/** The command that gives a setting another value where it stands; `value` is no secret. */
export function replaceValue(setting: SeenSetting, value: string): string {
  // what a person says comes after what is said for the machine, which is root's
  const option = setting.scope === 'system' ? '--global' : fileOption(setting);
  return change(setting, option, (key) => `--replace-all ${key} ${shellWord(value)}`);
}

/** The command that gives a remote another URL, which holds no login. */
export function setUrl({key}: SeenSetting, url: string): string {
  const {between = '', name} = partsOfKey(key);
  return `git remote set-url ${name === 'pushurl' ? '--push ' : ''}${shellWord(between)} ${shellWord(url)}`;
}

function change(setting: SeenSetting, option: string, act: (key: string) => string): string {
  if (setting.scope === 'command')
    return 'leave out that -c, or unset GIT_CONFIG_COUNT and GIT_CONFIG_PARAMETERS';
  const shown = printable(maskLogins(setting.key), setting.key.length);
  // a key with a login in it cannot be told
  return shown === setting.key
    ? `git config ${option} ${act(shellWord(setting.key))}`
    : `git config ${option} --edit\nlook there for ${printable(shown, 200)}`;
}

/**
 * The file itself: `--global` changes nothing in one that is included. Git tells the files of a repository as seen
 * from its top, where nobody may be; those that it has for each have options.
 */
function fileOption({scope, origin}: SeenSetting): string {
  const path = origin.replace(/^file:/, '');
  return /^(?:\.git\/)?config(?:\.worktree)?$/.test(path) ? `--${scope}` : `--file ${shellWord(path)}`;
}
