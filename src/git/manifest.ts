import {createHash} from 'node:crypto';
import {mkdir, open, readFile, rename, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {isRecord, parseRecord} from '../text/record.ts';
import type {Setting} from './setting.ts';

/** What we changed in one file of git's configuration, and its content before. */
export interface FileRecord {
  /** Absolute path. */
  readonly path: string;
  /** The bytes before the change. `undefined`: the file did not exist. */
  readonly before: Buffer | undefined;
  /** SHA-256 of the file after the change, in hex. */
  readonly after: string;
  /** Our lines in it. */
  readonly settings: readonly Setting[];
}

export function hashOf(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}

/** Returns the recorded files. A manifest that is missing or unreadable counts as empty. */
export async function readManifest(stateDirectory: string): Promise<FileRecord[]> {
  try {
    const files: unknown = parseRecord(await readFile(fileIn(stateDirectory), 'utf8'))?.['files'];
    return Array.isArray(files) ? files.flatMap(readRecord) : [];
  } catch {
    return [];
  }
}

/** Replaces the record of one file. `undefined`: none of our lines are in it. */
export async function replaceRecord(
  stateDirectory: string,
  path: string,
  record: FileRecord | undefined,
): Promise<void> {
  const others = (await readManifest(stateDirectory)).filter((other) => other.path !== path);
  await writeManifest(stateDirectory, record === undefined ? others : [...others, record]);
}

/** Writes the manifest, readable for us only: a git configuration can hold secrets. */
export async function writeManifest(stateDirectory: string, records: readonly FileRecord[]): Promise<void> {
  const manifest = fileIn(stateDirectory);
  if (records.length === 0) {
    await rm(manifest, {force: true});
    return;
  }
  const files = records.map(({path, before, after, settings}) => ({
    path,
    before: before?.toString('base64'),
    after,
    settings,
  }));
  await mkdir(dirname(manifest), {recursive: true, mode: 0o700});
  const draft = `${manifest}.${process.pid}`;
  await rm(draft, {force: true});
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({schemaVersion: 1, files}, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, manifest);
}

function fileIn(stateDirectory: string): string {
  return join(stateDirectory, 'git-configuration.json');
}

function readRecord(entry: unknown): FileRecord[] {
  if (!isRecord(entry)) return [];
  const {path, before, after, settings} = entry;
  if (typeof path !== 'string' || typeof after !== 'string' || !Array.isArray(settings)) return [];
  return [
    {
      path,
      before: typeof before === 'string' ? Buffer.from(before, 'base64') : undefined,
      after,
      settings: settings.flatMap(readSetting),
    },
  ];
}

function readSetting(entry: unknown): Setting[] {
  if (!isRecord(entry)) return [];
  const {key, value} = entry;
  return typeof key === 'string' && typeof value === 'string' ? [{key, value}] : [];
}
