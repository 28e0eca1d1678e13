import {mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {readIfThere, replaceFile, sameBytes} from '../files/replace-file.ts';
import {
  addSettings,
  areMet,
  readDraft,
  readSettings,
  removeSettings,
  writeDraft,
  type Draft,
} from './edit-settings.ts';
import {hashOf, type FileRecord} from './manifest.ts';
import {areOvertaken} from './overtaken.ts';
import {includesOwnFile, isOwnFile} from './own-file.ts';
import type {RunGit} from './run-git.ts';
import type {Setting} from './setting.ts';
import {isSubmoduleFile, unrecordedSettings} from './unrecorded-settings.ts';

/** The planned change of one file; nothing is written yet. */
export interface Change {
  readonly path: string;
  readonly was: Buffer | undefined;
  /** `undefined`: the file is removed. */
  readonly next: Buffer | undefined;
  readonly added: readonly Setting[];
  readonly removed: readonly Setting[];
  /** The record to keep. `undefined`: none of our lines are left in the file. */
  readonly record: FileRecord | undefined;
  /** The record to keep until the file is published: it removes our lines from the old and from the new file. */
  readonly meanwhile: FileRecord | undefined;
}

interface Planning {
  readonly git: RunGit;
  /** The directory in which each draft gets its own private directory. */
  readonly temporary: string;
  /** The lines of our file, if the wanted line includes it. */
  readonly included?: readonly Setting[];
}

/**
 * Plans the change after which the file holds the wanted lines, not undone by others, and none of our older lines. Git
 * edits a copy: the file changes completely or not at all, and `--dry-run` shows exactly what would happen.
 * @throws {GitError}
 */
export function planSettings(
  path: string,
  wanted: readonly Setting[],
  record: FileRecord | undefined,
  planning: Planning,
): Promise<Change> {
  return withDraft(path, planning, async (git, draft, was) => {
    const present = await readSettings(git, draft);
    const ours = record?.settings ?? unrecordedSettings(path, present);
    const isUntouched = record !== undefined && record.after === hashOf(was);
    const isCurrent = ours.every((one) => wanted.some((other) => same(one, other)));
    const isUndone = (lines: readonly Setting[]) =>
      areOvertaken(expand(lines, planning), expand(wanted, planning));
    const isInForce = areMet(present, wanted) && !isUndone(present);
    if (record !== undefined && isCurrent && isInForce)
      return {path, was, next: was, added: [], removed: [], record, meanwhile: record};

    const base = isUntouched ? record.before : await stripped(git, draft, {was, ours, record});
    await writeDraft(draft, base);
    const settings = await addSettings(git, draft, wanted);
    if (isUndone(await readSettings(git, draft))) await addAtEnd(git, draft, base, settings);
    const drafted = await readDraft(draft);
    const next = base === undefined && settings.length === 0 ? undefined : drafted;
    const made = {path, before: base, after: hashOf(next), settings};
    return {
      path,
      was,
      next,
      added: difference(settings, ours),
      removed: difference(ours, settings),
      record: settings.length === 0 ? undefined : made,
      meanwhile: {...made, settings: union(ours, settings)},
    };
  });
}

/**
 * Plans the removal of our lines: restores the old bytes if no one else changed the file since, else removes line by
 * line. @throws {GitError}
 */
export function planRemoval(
  path: string,
  record: FileRecord | undefined,
  planning: Planning,
): Promise<Change> {
  return withDraft(path, planning, async (git, draft, was) => {
    const ours = record?.settings ?? unrecordedSettings(path, await readSettings(git, draft));
    const isUntouched = record !== undefined && record.after === hashOf(was);
    const next = isUntouched ? record.before : await stripped(git, draft, {was, ours, record});
    return {path, was, next, added: [], removed: ours, record: undefined, meanwhile: record};
  });
}

export function isChanged({was, next}: Change): boolean {
  return !sameBytes(was, next);
}

/** Writes the change. @throws {ReplaceError} */
export async function publish({path, was, next}: Change): Promise<void> {
  // without root, a file of another user becomes ours, as after any `git config`
  await replaceFile(path, {was, next, mode: 0o644, owner: 'kept-if-possible'});
}

/** Returns the lines as git reads them, with those of our file in the place of the line that includes it. */
function expand(settings: readonly Setting[], {included}: Planning): readonly Setting[] {
  if (included === undefined) return settings;
  return settings.flatMap((setting) => (includesOwnFile(setting) ? included : [setting]));
}

/** Appends new sections: git itself would add to the last section of that name, anywhere in the file. */
async function addAtEnd(
  git: RunGit,
  draft: Draft,
  base: Buffer | undefined,
  settings: readonly Setting[],
): Promise<void> {
  await writeDraft(draft, undefined);
  await addSettings(git, draft, settings);
  const text = base ?? Buffer.alloc(0);
  const gap = text.length === 0 || text.at(-1) === LINE_FEED ? '' : '\n';
  await writeDraft(draft, Buffer.concat([text, Buffer.from(gap), await readDraft(draft)]));
}

const LINE_FEED = 0x0a;

/** Returns the file without our lines. `undefined`: we made the file, and nothing else is in it. */
async function stripped(
  git: RunGit,
  draft: Draft,
  {was, ours, record}: Pick<Change, 'was' | 'record'> & {readonly ours: readonly Setting[]},
): Promise<Buffer | undefined> {
  if (was === undefined) return undefined;
  const removed = await removeSettings(git, draft, ours);
  if (removed.length === 0) return was;
  const rest = await readDraft(draft);
  const wasOurs =
    record === undefined ? isSubmoduleFile(draft.of) || isOwnFile(draft.of) : record.before === undefined;
  return wasOurs && rest.toString('latin1').trim() === '' ? undefined : rest;
}

async function withDraft<Result>(
  path: string,
  {git, temporary}: Planning,
  plan: (git: RunGit, draft: Draft, was: Buffer | undefined) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(temporary, 'orgkey-'));
  try {
    const was = await readIfThere(path);
    const draft = {path: join(directory, 'config'), of: path};
    await writeDraft(draft, was);
    return await plan(git, draft, was);
  } finally {
    await rm(directory, {recursive: true, force: true});
  }
}

function difference(some: readonly Setting[], others: readonly Setting[]): Setting[] {
  return some.filter((one) => !others.some((other) => same(one, other)));
}

/** Compares case: organizations that differ in case only have their own lines. */
function union(some: readonly Setting[], others: readonly Setting[]): Setting[] {
  const isNew = ({key, value}: Setting) => !some.some((one) => one.key === key && one.value === value);
  return [...some, ...others.filter(isNew)];
}

function same(one: Setting, other: Setting): boolean {
  return one.key.toLowerCase() === other.key.toLowerCase() && one.value === other.value;
}
