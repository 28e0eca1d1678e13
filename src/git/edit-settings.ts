import {readFile, writeFile} from 'node:fs/promises';
import {printable} from '../text/printable.ts';
import {GitError, type GitResult, type RunGit} from './run-git.ts';
import {checkSetting, type Setting} from './setting.ts';

/** A copy of a configuration file that git may edit, and the name that messages give it. */
export interface Draft {
  readonly path: string;
  /** The file that it is a copy of. */
  readonly of: string;
}

/** Adds the missing settings in order, and returns them. Settings that hold already stay as the user wrote them. @throws {GitError} */
export async function addSettings(
  git: RunGit,
  draft: Draft,
  wanted: readonly Setting[],
): Promise<readonly Setting[]> {
  wanted.forEach(checkSetting);
  const before = await readSettings(git, draft);
  const missing = wanted.filter((setting) => isMissing(setting, valuesOf(before, setting.key)));
  for (const {key, value} of missing) await configure(git, draft, ['--add', key, value]);
  return missing;
}

/** Removes exactly these settings, and returns them. The user's own lines of the same keys stay. @throws {GitError} */
export async function removeSettings(
  git: RunGit,
  draft: Draft,
  ours: readonly Setting[],
): Promise<readonly Setting[]> {
  const present = await readSettings(git, draft);
  const removed: Setting[] = [];
  for (const key of new Set(ours.map((setting) => normalKey(setting.key)))) {
    const mine = valuesOf(ours, key);
    const values = valuesOf(present, key);
    const {gone, rest} = split(values, mine);
    removed.push(...gone.map((value) => ({key, value})));
    if (gone.length === 0) continue;
    const apart = rest.every((value) => !mine.includes(value));
    if (apart) {
      for (const value of new Set(gone))
        await configure(git, draft, ['--fixed-value', '--unset-all', key, value]);
      continue;
    }
    // the user has the same line, and git cannot remove one of two equal lines
    await configure(git, draft, ['--unset-all', key]);
    for (const value of rest) await configure(git, draft, ['--add', key, value]);
  }
  return removed;
}

/** Whether all wanted settings are in force already, anywhere in the file. */
export function areMet(present: readonly Setting[], wanted: readonly Setting[]): boolean {
  return [...new Set(wanted.map(({key}) => normalKey(key)))].every((key) => {
    const values = valuesOf(present, key);
    const mine = wanted.filter((setting) => normalKey(setting.key) === key);
    return (
      contains(
        values,
        mine.map(({value}) => value),
      ) || mine.every((setting) => !isMissing(setting, values))
    );
  });
}

/** Returns every line of the file itself, without included files. @throws {GitError} */
export async function readSettings(git: RunGit, draft: Draft): Promise<readonly Setting[]> {
  const {stdout} = await configure(git, draft, ['--null', '--list']);
  return stdout
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const end = entry.indexOf('\n');
      return end === -1
        ? {key: entry, value: 'true'}
        : {key: entry.slice(0, end), value: entry.slice(end + 1)};
    });
}

/** Writes the bytes, or an empty file. */
export async function writeDraft(draft: Draft, bytes: Uint8Array | undefined): Promise<void> {
  await writeFile(draft.path, bytes ?? new Uint8Array(), {mode: 0o600});
}

export async function readDraft(draft: Draft): Promise<Buffer> {
  return readFile(draft.path);
}

async function configure(git: RunGit, draft: Draft, argv: readonly string[]): Promise<GitResult> {
  const result = await git(['config', '--file', draft.path, ...argv]);
  if (result.status === 0) return result;
  const reason = result.stderr.replaceAll(draft.path, () => draft.of).trim();
  throw new GitError(
    'ERR_GIT_CONFIG',
    `git config failed: ${printable(reason || `status ${result.status}`)}`,
    {
      hint: `look at ${draft.of}`,
    },
  );
}

function isMissing({key, value}: Setting, values: readonly string[]): boolean {
  const name = normalKey(key);
  if (name.startsWith('includeif.') || name === 'include.path') return !values.includes(value);
  if (name.endsWith('.usehttppath')) return !isTrue(values.at(-1));
  // the user's own decision stays
  if (name.endsWith('.proactiveauth')) return values.length === 0;
  return true;
}

/** @see https://git-scm.com/docs/git-config#Documentation/git-config.txt-boolean */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['true', 'yes', 'on', '1'].includes(value.toLowerCase());
}

function valuesOf(settings: readonly Setting[], key: string): string[] {
  const name = normalKey(key);
  return settings.filter((setting) => normalKey(setting.key) === name).map(({value}) => value);
}

/** Git ignores the case of section and name, but not that of the subsection. */
function normalKey(key: string): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  return key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase();
}

/** Splits our run off the values. If the run was torn apart, takes the last of each of our values. */
function split(values: readonly string[], ours: readonly string[]): {gone: string[]; rest: string[]} {
  const at = lastRun(values, ours);
  if (at !== -1) return {gone: [...ours], rest: values.toSpliced(at, ours.length)};
  const rest = [...values];
  const gone = ours.filter((value) => {
    const last = rest.lastIndexOf(value);
    if (last !== -1) rest.splice(last, 1);
    return last !== -1;
  });
  return {gone, rest};
}

function contains(values: readonly string[], ours: readonly string[]): boolean {
  return lastRun(values, ours) !== -1;
}

function lastRun(values: readonly string[], ours: readonly string[]): number {
  for (let at = values.length - ours.length; at >= 0; at--) {
    if (ours.every((value, offset) => values[at + offset] === value)) return at;
  }
  return -1;
}
