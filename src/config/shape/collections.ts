import {isMisspelt, nearestWord} from '../../text/nearest-word.ts';
import {showableKey} from '../../text/showable.ts';
import {Problems} from '../text/problems.ts';
import {sourceOf, type Written, type WrittenMap} from '../text/written.ts';
import {Resolver} from '../value/resolve-value.ts';
import {hasPlaceholder} from '../value/substitute.ts';
import {Reader, SINGLE_VALUES, WRONG, type Key, type Keys, type Kind, type ValuesOf} from './kind.ts';

export interface Item<Value> {
  readonly value: Value;
  readonly at: number;
  /** The configuration itself has it: messages may quote it. */
  readonly isLiteral: boolean;
}

/** A list. Items that are wrong are left out. */
export function list<Value>(kind: Kind<Value>): Kind<readonly Item<Value>[]> {
  return {
    form: {name: 'list', item: kind.form, mayBeNothing: false},
    read(written, slot, reader) {
      if (written.kind !== 'list') return reader.wrongType(written, slot, 'a list');
      return written.items.flatMap((item) => {
        const value = kind.read(item, {label: slot.label, keyAt: undefined}, reader);
        const isLiteral = item.kind === 'text' && !hasPlaceholder(item.text);
        return value === WRONG ? [] : [{value, at: item.at, isLiteral}];
      });
    },
  };
}

/** A mapping that stands for one thing: a socket, a rule, a credential. */
export interface Fields<All extends Keys> {
  readonly written: WrittenMap;
  /** What could be read. `undefined`: the value is wrong, or the key is optional and missing. */
  readonly values: {readonly [Name in keyof All]: ValuesOf<All>[Name] | undefined};
  /** The keys whose values are wrong or missing. */
  readonly wrong: ReadonlySet<string>;
  /** The same values. `undefined`: something in the mapping is wrong, so that none of it must be used. */
  readonly sound: ValuesOf<All> | undefined;
}

/** What a mapping is: settings, or a rule, in which a misspelt key could be a restriction that does not hold then. */
type Role = 'section' | 'rule';

/** Reads a mapping with exactly these keys. */
export function readFields<All extends Keys>(
  written: WrittenMap,
  keys: All,
  reader: Reader,
  role: Role = 'rule',
): Fields<All> {
  const before = reader.wrongSoFar;
  reportUnknown(written, keys, reader, role);
  const values: ValuesOf<All> = Object.create(null);
  const wrong = new Set<string>();
  for (const [name, key] of Object.entries(keys)) {
    const value = readKey(written, name, key, reader);
    if (value === WRONG) wrong.add(name);
    if (key.removed === undefined) Reflect.set(values, name, value === WRONG ? undefined : value);
  }
  return {written, values, wrong, sound: reader.wrongSoFar === before ? values : undefined};
}

function readKey(map: WrittenMap, name: string, key: Key, reader: Reader): unknown {
  const entry = map.entries.get(name);
  if (entry !== undefined) {
    if (key.removed === undefined)
      return key.kind.read(entry.value, {label: name, keyAt: entry.keyAt}, reader);
    reader.problems.error(entry.keyAt, `${name} was removed: ${key.removed.message}`, key.removed.hint);
    return reader.wrong();
  }
  if (key.optional === true || key.removed !== undefined) return undefined;
  const fallback = defaultOf(key);
  if (fallback !== WRONG) return fallback;
  // a misspelt key is reported as unknown, not as missing too
  if (!isMisspelt(name, map.entries.keys())) reader.problems.error(map.at, `${name} is missing`);
  return reader.wrong();
}

/** Returns the value of a missing key, or `WRONG` if the key is required. */
function defaultOf({kind, default: written}: Key): unknown {
  if (written === undefined) return kind.form.name === 'mapping' ? kind.read(EMPTY, SLOT, DEFAULTS) : WRONG;
  const value = kind.read(literal(written), SLOT, DEFAULTS);
  if (value === WRONG) throw new Error(`the default ${written} is not valid`);
  return value;
}

function literal(value: string | number | boolean): Written {
  if (typeof value === 'string') return {kind: 'text', at: 0, text: value, cut: false};
  return typeof value === 'number' ? {kind: 'number', at: 0, value} : {kind: 'flag', at: 0, value};
}

const EMPTY: WrittenMap = {kind: 'map', at: 0, entries: new Map()};
const SLOT = {label: 'default', keyAt: undefined};

/** Reads defaults: nothing that they could refer to exists. */
export const DEFAULTS = readerOfDefaults();

function readerOfDefaults(): Reader {
  const problems = new Problems();
  const surroundings = {
    directoryOf: () => '/',
    home: undefined,
    environment: {},
    uid: 0,
    files: new Map(),
    absent: 'error',
  } as const;
  return new Reader(problems, new Resolver(surroundings, problems));
}

/** A mapping of settings: a key that is missing or wrong has its default. Every key must have one, or be optional. */
export function section<All extends Keys>(keys: All): Kind<ValuesOf<All>> {
  return {
    form: {name: 'mapping', keys},
    read(written, slot, reader) {
      if (written.kind === 'map' && sourceOf(written) === undefined)
        return readSection(written, keys, reader);
      reader.wrongType(written, slot, 'a mapping');
      return readSection(EMPTY, keys, DEFAULTS);
    },
  };
}

/** Reads the mapping of a section. `undefined`: it is missing, and all keys have their defaults. */
export function readSection<All extends Keys>(
  written: WrittenMap | undefined,
  keys: All,
  reader: Reader,
): ValuesOf<All> {
  return settled(readFields(written ?? EMPTY, keys, reader, 'section'), keys);
}

/** Returns the values, with the defaults for those that are wrong. */
function settled<All extends Keys>({values, wrong, sound}: Fields<All>, keys: All): ValuesOf<All> {
  if (sound !== undefined) return sound;
  const all: ValuesOf<All> = Object.create(null);
  for (const [name, key] of Object.entries(keys))
    Reflect.set(all, name, wrong.has(name) && key.optional !== true ? defaultOf(key) : values[name]);
  return all;
}

/** A list of mappings, each of which stands for one thing. One that is wrong is left out, and spares the others. */
export function listOf<All extends Keys>(keys: All): Kind<readonly Fields<All>[]> {
  return {
    form: {name: 'list', item: {name: 'mapping', keys}, mayBeNothing: false},
    read(written, slot, reader) {
      if (written.kind !== 'list') return reader.wrongType(written, slot, 'a list');
      return written.items.flatMap((item) => {
        if (item.kind === 'map' && sourceOf(item) === undefined) {
          const {result, errors} = reader.problems.during(() => readFields(item, keys, reader));
          reader.problems.confine(errors);
          return [result];
        }
        reader.wrongType(item, {label: slot.label, keyAt: undefined}, 'a mapping');
        return [];
      });
    },
  };
}

/** Reports keys that do not exist. One that could be a secret, because quotes or a space are missing, is not quoted. */
function reportUnknown(map: WrittenMap, keys: Keys, reader: Reader, role: Role): void {
  for (const [key, {keyAt, value}] of map.entries) {
    if (Object.hasOwn(keys, key)) continue;
    if (key.startsWith('$')) {
      reader.wrong();
      reportSource(key, keyAt, reader.problems);
      continue;
    }
    const unknown = value.kind === 'nothing' ? 'unknown key' : unknownKey(key);
    const possible = Object.keys(keys).filter((name) => keys[name]?.removed === undefined);
    const meant = nearestWord(
      key,
      possible.filter((name) => !map.entries.has(name)),
    );
    const hint = meant === undefined ? `possible here: ${possible.join(', ')}` : `did you mean ${meant}?`;
    if (reader.unknownKeys === 'warning' && (role === 'section' || meant === undefined)) {
      reader.problems.warn(keyAt, `${unknown}, which is ignored`, hint);
      continue;
    }
    reader.wrong();
    reader.problems.error(keyAt, unknown, hint);
  }
}

function unknownKey(key: string): string {
  const shown = showableKey(key);
  return shown === undefined ? 'unknown key' : `unknown key: ${shown}`;
}

/** Reports a key that begins with `$` where only a mapping or a list is possible. */
export function reportSource(name: string, at: number, problems: Problems): void {
  problems.error(at, name === '$include' ? '$include is not possible here' : unknownKey(name), SINGLE_VALUES);
}
