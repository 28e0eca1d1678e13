import {partsOfKey, showKey, type SeenSetting, fileOf} from '../git/seen-settings.ts';
import {printable} from '../text/printable.ts';
import {shellWord} from '../text/quote-for-shell.ts';

/** Returns the command that removes every line of a setting from its file. */
export function takeOut(setting: SeenSetting): string {
  return change(setting, fileOption(setting), (key) => `--unset-all ${key}`);
}

/** Returns the command that removes the lines with this value from the setting's file. The value may not be a secret. */
export function takeOutValue(setting: SeenSetting): string {
  const value = shellWord(setting.value);
  return change(setting, fileOption(setting), (key) => `--fixed-value --unset-all ${key} ${value}`);
}

/** Returns the command that opens the setting's file, for a value that may be a secret. */
export function lookFor(setting: SeenSetting): string {
  return change(setting, fileOption(setting), (key) => `--edit\nlook there for ${key}`);
}

/** Returns the command that gives a setting another value in its file. `value` may not be a secret. */
export function replaceValue(setting: SeenSetting, value: string): string {
  // the user's file is read after the machine's, which belongs to root
  const option = setting.scope === 'system' ? '--global' : fileOption(setting);
  return change(setting, option, (key) => `--replace-all ${key} ${shellWord(value)}`);
}

/** Returns the command that gives a remote another URL, without a login. */
export function setUrl({key}: SeenSetting, url: string): string {
  const {between = '', name} = partsOfKey(key);
  return `git remote set-url ${name === 'pushurl' ? '--push ' : ''}${shellWord(between)} ${shellWord(url)}`;
}

function change(setting: SeenSetting, option: string, act: (key: string) => string): string {
  if (setting.scope === 'command')
    return 'omit that -c option, or unset GIT_CONFIG_COUNT and GIT_CONFIG_PARAMETERS';
  const shown = printable(showKey(setting.key), setting.key.length);
  // a command needs the whole key, which may not be shown
  return shown === setting.key
    ? `git config ${option} ${act(shellWord(setting.key))}`
    : `git config ${option} --edit\nlook there for ${printable(shown, 200)}`;
}

/**
 * Returns the option that names the file itself: `--global` does not change an included file. Git reports the files of
 * a repository relative to its top, which need not be the current directory, so these get their own option.
 */
function fileOption(setting: SeenSetting): string {
  const path = fileOf(setting);
  return /^(?:\.git\/)?config(?:\.worktree)?$/.test(path)
    ? `--${setting.scope}`
    : `--file ${shellWord(path)}`;
}
