import {mkdir, readFile, rename, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {isRecord, parseRecord} from '../text/record.ts';
import type {Written} from './text-edit.ts';

/** What was written for one tool, to take back exactly that. */
export interface ClientRecord {
  readonly name: string;
  readonly files: readonly FileRecord[];
  /** Links that we made. */
  readonly links: readonly string[];
}

export interface FileRecord extends Written {
  readonly path: string;
  /** The file did not exist before. */
  readonly isOurs: boolean;
}

/** Reads the record of a state directory. What is damaged in it is left out. */
export async function readClients(stateDirectory: string): Promise<readonly ClientRecord[]> {
  const text = await readFile(fileIn(stateDirectory), 'utf8').catch(() => '');
  return listIn(parseRecord(text)?.['tools']).flatMap((entry) => {
    if (!isRecord(entry) || typeof entry['name'] !== 'string') return [];
    return [
      {
        name: entry['name'],
        files: listIn(entry['files']).flatMap(readFileRecord),
        links: textsIn(entry['links']),
      },
    ];
  });
}

export async function writeClients(stateDirectory: string, tools: readonly ClientRecord[]): Promise<void> {
  const path = fileIn(stateDirectory);
  if (tools.length === 0) {
    await rm(path, {force: true});
    return;
  }
  await mkdir(stateDirectory, {recursive: true, mode: 0o700});
  const text = `${JSON.stringify({schemaVersion: 1, tools}, undefined, 2)}\n`;
  await writeFile(`${path}.new`, text, {mode: 0o600});
  await rename(`${path}.new`, path);
}

function readFileRecord(entry: unknown): FileRecord[] {
  if (!isRecord(entry) || typeof entry['path'] !== 'string') return [];
  return [
    {
      path: entry['path'],
      isOurs: entry['isOurs'] === true,
      wasOpen: entry['wasOpen'] === true,
      blocks: listIn(entry['blocks']).map(textsIn),
      replaced: listIn(entry['replaced']).flatMap((one) =>
        isRecord(one) && typeof one['was'] === 'string' && typeof one['now'] === 'string'
          ? [{was: one['was'], now: one['now']}]
          : [],
      ),
    },
  ];
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsIn(value: unknown): string[] {
  return listIn(value).filter((one) => typeof one === 'string');
}

function fileIn(stateDirectory: string): string {
  return join(stateDirectory, 'tools.json');
}
