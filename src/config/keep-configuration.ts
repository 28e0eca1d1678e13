import {isRecord, parseRecord} from '../text/record.ts';
import {CREDENTIAL_KINDS, CREDENTIALS, INTEGRATION} from './shape/credential-kinds.ts';
import {ORGKEY} from './shape/keys.ts';
import type {Form, Keys} from './shape/kind.ts';
import type {TextFile} from './text/problems.ts';
import type {Parts, Written, WrittenEntry} from './text/written.ts';
import {WITHHELD} from './value/value-source.ts';

/** What a valid configuration said, without secrets, so that it can be used again if the file becomes invalid. */
export interface KeptConfiguration {
  /** The absolute path of the file, or several. */
  readonly source: string;
  readonly files: readonly TextFile[];
  readonly parts: Parts;
}

/** Returns the text to keep. Values for which `mayKeep` is false are left out, and so are keys that do not exist. */
export function encodeKept(kept: KeptConfiguration, mayKeep: (written: Written) => boolean): string {
  const {source, files, parts} = kept;
  const known = knownKeys();
  const encode = (written: Written | undefined): unknown => {
    if (written === undefined) return undefined;
    const {at} = written;
    switch (written.kind) {
      case 'list':
        return {at, list: written.items.map(encode)};
      case 'map': {
        const entries = [...written.entries].filter(([key]) => known.has(key));
        return {at, map: entries.map(([key, {keyAt, value}]) => [key, keyAt, encode(value)])};
      }
      case 'nothing':
        return {at};
      case 'text':
        return mayKeep(written) ? {at, text: written.text} : {at, map: [[WITHHELD, at, {at}]]};
      case 'number':
      case 'flag':
        return mayKeep(written) ? {at, value: written.value} : {at, map: [[WITHHELD, at, {at}]]};
    }
  };
  const {azure, orgkey} = parts;
  return `${JSON.stringify({schemaVersion: VERSION, source, files, azure: encode(azure), orgkey: encode(orgkey)})}\n`;
}

/** Reads a kept text. `undefined`: it is of another version, or damaged. */
export function decodeKept(text: string): KeptConfiguration | undefined {
  const record = parseRecord(text);
  const source = record?.['source'];
  const files = record?.['files'];
  if (record?.['schemaVersion'] !== VERSION || typeof source !== 'string' || !Array.isArray(files))
    return undefined;
  try {
    const parts = {azure: partOf(record['azure']), orgkey: partOf(record['orgkey'])};
    return {source, files: files.map(decodeFile), parts};
  } catch {
    return undefined;
  }
}

const VERSION = 2;

/** @throws {TypeError} if it is not what `encodeKept` writes. */
function decodeFile(encoded: unknown): TextFile {
  const {path, start, lineStarts} = isRecord(encoded) ? encoded : {};
  if (typeof path !== 'string' || typeof start !== 'number' || !Array.isArray(lineStarts))
    throw new TypeError('not a file');
  return {path, start, lineStarts: lineStarts.filter((one: unknown) => typeof one === 'number')};
}

function partOf(encoded: unknown): Written | undefined {
  return encoded === undefined ? undefined : decode(encoded);
}

/** @throws {TypeError} if it is not what `encodeKept` writes. */
function decode(encoded: unknown): Written {
  if (!isRecord(encoded)) throw new TypeError('not a value');
  const {at, list, map, text, value} = encoded;
  if (typeof at !== 'number') throw new TypeError('no offset');
  if (Array.isArray(list)) return {kind: 'list', at, items: list.map(decode)};
  if (Array.isArray(map)) return {kind: 'map', at, entries: new Map(map.map(decodeEntry))};
  if (typeof text === 'string') return {kind: 'text', at, text, cut: false};
  if (typeof value === 'number') return {kind: 'number', at, value};
  if (typeof value === 'boolean') return {kind: 'flag', at, value};
  return {kind: 'nothing', at};
}

function decodeEntry(encoded: unknown): [string, WrittenEntry] {
  if (!Array.isArray(encoded)) throw new TypeError('not an entry');
  const [key, keyAt, value]: unknown[] = encoded;
  if (typeof key !== 'string' || typeof keyAt !== 'number') throw new TypeError('not an entry');
  return [key, {keyAt, value: decode(value)}];
}

/** Every key that has a meaning somewhere. Others may be secrets: a space or a quote is missing then. */
function knownKeys(): ReadonlySet<string> {
  const names = new Set(SOURCE_KEYS);
  const addForm = (form: Form): void => {
    if (form.name === 'list') addForm(form.item);
    if (form.name === 'mapping') addKeys(form.keys);
    if (form.name === 'one of') for (const {keys} of form.shapes) addKeys(keys);
  };
  const addKeys = (keys: Keys): void => {
    for (const [name, {kind}] of Object.entries(keys)) {
      names.add(name);
      addForm(kind.form);
    }
  };
  addKeys(ORGKEY);
  addKeys(INTEGRATION);
  for (const kind of CREDENTIAL_KINDS) addKeys(CREDENTIALS[kind].keys);
  return names;
}

const SOURCE_KEYS = [
  '$env',
  '$file',
  '$credential',
  '$command',
  '$keyring',
  '$keyVault',
  '$agent',
  'publicKey',
  'vault',
  'secret',
];
