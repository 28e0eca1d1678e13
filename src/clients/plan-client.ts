import {lstat, mkdir, readlink, rm, symlink} from 'node:fs/promises';
import {dirname} from 'node:path';
import {readIfThere, replaceFile} from '../files/replace-file.ts';
import type {Client, ClientWorld} from './client.ts';
import type {ClientRecord, FileRecord} from './manifest.ts';
import {addLines, takeBack, type Written} from './text-edit.ts';

/** A change of one file. `undefined`: it does not exist. */
interface FileChange {
  readonly path: string;
  readonly was: Buffer | undefined;
  readonly next: Buffer | undefined;
  /** Our lines that go and come. Those of the user may hold secrets, and are not shown. */
  readonly gone: readonly string[];
  readonly added: readonly string[];
}

export interface ClientPlan {
  readonly name: string;
  readonly changes: readonly FileChange[];
  /** Links to make or to remove. */
  readonly links: readonly {readonly path: string; readonly target: string | undefined}[];
  /** Settings of the user for the same purpose, which stay: `FILE: LINE`. */
  readonly conflicts: readonly string[];
  readonly left: readonly string[];
  /** What is recorded after the change. */
  readonly record: ClientRecord;
}

/** Plans what makes a tool ask orgkey; nothing is written. `known`: what was written before. */
export async function planInstall(
  client: Client,
  world: ClientWorld,
  known: ClientRecord | undefined,
): Promise<ClientPlan> {
  const {files, links, left} = client.want(world);
  const changes: FileChange[] = [];
  const conflicts: string[] = [];
  const records: FileRecord[] = [];
  for (const {path, lines} of files) {
    const was = await readIfThere(path);
    const before = known?.files.find((one) => one.path === path);
    // lines of an earlier version, which may name another path, are replaced
    const clean = before === undefined ? text(was) : takeBack(text(was), before);
    const {text: next, written, rivals} = addLines(clean, lines);
    conflicts.push(...rivals.map((line) => `${path}: ${line}`));
    if (next !== text(was)) {
      const gone = [...linesOf(before), ...written.replaced.map((one) => one.was)];
      changes.push({path, was, next: Buffer.from(next), gone, added: linesOf(written)});
    }
    if (written.blocks.length > 0 || written.replaced.length > 0)
      records.push({path, isOurs: before?.isOurs ?? was === undefined, ...written});
  }
  const kept = new Set(files.map(({path}) => path));
  changes.push(...(await takenBack(known, kept)));
  const {taken, ...linked} = await planLinks(links, known);
  return {
    name: client.name,
    changes,
    links: linked.changes,
    conflicts: [...conflicts, ...taken.map((path) => `${path}: exists already`)],
    left,
    record: {name: client.name, files: records, links: linked.made},
  };
}

interface LinkPlan {
  readonly changes: ClientPlan['links'];
  /** Links that are ours after the change. */
  readonly made: readonly string[];
  /** Places where something of the user is. */
  readonly taken: readonly string[];
}

async function planLinks(
  links: ReturnType<Client['want']>['links'],
  known: ClientRecord | undefined,
): Promise<LinkPlan> {
  const missing = await filterAsync(links, async ({path, target}) => (await targetOf(path)) !== target);
  const foreign = await filterAsync(missing, async ({path}) => isForeign(path, known));
  const taken = foreign.map(({path}) => path);
  const unwanted = (known?.links ?? []).filter((path) => !links.some((one) => one.path === path));
  return {
    changes: [...(await existing(unwanted)), ...missing.filter((one) => !foreign.includes(one))],
    made: links.map(({path}) => path).filter((path) => !taken.includes(path)),
    taken,
  };
}

export async function planRemove(known: ClientRecord): Promise<ClientPlan> {
  const changes = await takenBack(known);
  return {
    name: known.name,
    changes,
    links: await existing(known.links),
    conflicts: [],
    left: [],
    record: {...known, files: [], links: []},
  };
}

/** Returns the changes that take our lines out of files, but for those that are `kept`. */
async function takenBack(
  known: ClientRecord | undefined,
  kept: ReadonlySet<string> = new Set(),
): Promise<FileChange[]> {
  const changes: FileChange[] = [];
  const files = (known?.files ?? []).filter(({path}) => !kept.has(path));
  for (const file of files) {
    const was = await readIfThere(file.path);
    if (was === undefined) continue;
    const next = takeBack(text(was), file);
    const isGone = file.isOurs && next.trim() === '';
    if (next !== text(was) || isGone)
      changes.push({
        path: file.path,
        was,
        next: isGone ? undefined : Buffer.from(next),
        gone: linesOf(file),
        added: file.replaced.map((one) => one.was),
      });
  }
  return changes;
}

export async function carryOut({changes, links}: ClientPlan): Promise<void> {
  for (const {path, target} of links) {
    await rm(path, {force: true});
    if (target === undefined) continue;
    await mkdir(dirname(path), {recursive: true});
    await symlink(target, path);
  }
  for (const {path, was, next} of changes) await replaceFile(path, {was, next, mode: 0o600, owner: 'kept'});
}

/** Returns the removal of those of our links that are there. */
async function existing(links: readonly string[]): Promise<ClientPlan['links']> {
  const found = await filterAsync(links, async (path) => (await targetOf(path)) !== undefined);
  return found.map((path) => ({path, target: undefined}));
}

function linesOf(written: Written | undefined): string[] {
  const lines = [...(written?.blocks.flat() ?? []), ...(written?.replaced.map(({now}) => now) ?? [])];
  return lines.filter((line) => line !== '');
}

function text(bytes: Buffer | undefined): string {
  return bytes?.toString('utf8') ?? '';
}

async function targetOf(path: string): Promise<string | undefined> {
  return readlink(path).catch(() => undefined);
}

/** Whether something that we did not make is there. */
async function isForeign(path: string, known: ClientRecord | undefined): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  return facts !== undefined && !(known?.links.includes(path) === true && facts.isSymbolicLink());
}

async function filterAsync<T>(items: readonly T[], keeps: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = [];
  for (const item of items) if (await keeps(item)) kept.push(item);
  return kept;
}
