/**
 * A value of the configuration as it is written, before variables are replaced. `at` is the offset of the value in the
 * text, in UTF-16 code units.
 */
export type Written = WrittenText | WrittenNumber | WrittenFlag | WrittenNothing | WrittenList | WrittenMap;

interface WrittenText {
  readonly kind: 'text';
  readonly at: number;
  /** Trimmed. */
  readonly text: string;
  /** YAML read a `#` directly before text as a comment. */
  readonly cut: boolean;
}

interface WrittenNumber {
  readonly kind: 'number';
  readonly at: number;
  readonly value: number;
}

interface WrittenFlag {
  readonly kind: 'flag';
  readonly at: number;
  readonly value: boolean;
}

/** A key without a value, or `null`. */
interface WrittenNothing {
  readonly kind: 'nothing';
  readonly at: number;
}

interface WrittenList {
  readonly kind: 'list';
  readonly at: number;
  readonly items: readonly Written[];
}

export interface WrittenMap {
  readonly kind: 'map';
  readonly at: number;
  readonly entries: ReadonlyMap<string, WrittenEntry>;
}

export interface WrittenEntry {
  readonly keyAt: number;
  readonly value: Written;
}

/** Our parts of the configuration. `undefined`: the part does not exist. */
export interface Parts {
  /** `integrations.azure`. */
  readonly azure: Written | undefined;
  readonly orgkey: Written | undefined;
}

interface SourceKey {
  readonly name: string;
  readonly at: number;
  /** Whether the mapping has no other key. */
  readonly isOnly: boolean;
}

/** A parsed text. Values are read by their keys, because most of an app-config.yaml belongs to other programs. */
export interface Tree {
  /** Returns the value below these keys; without any, all of it. `undefined`: it does not exist. */
  at(keys: readonly string[]): Written | undefined;
  /** Returns the key that begins with `$` in the mapping below these keys, if there is one. */
  sourceAt(keys: readonly string[]): SourceKey | undefined;
  /** The offset of a root that is neither a mapping nor empty. */
  readonly strangeRoot: number | undefined;
}

/** Returns the value of a key. `undefined`: the key does not exist, or the value is not a mapping. */
export function valueAt(map: Written | undefined, key: string): Written | undefined {
  return map?.kind === 'map' ? map.entries.get(key)?.value : undefined;
}

/** Returns the name of the source of a value: `$env`, `$file`, `$command` … `undefined`: it has none. */
export function sourceOf(written: Written | undefined): string | undefined {
  if (written?.kind !== 'map') return undefined;
  return [...written.entries.keys()].find((key) => key.startsWith('$'));
}

export function moved(written: Written, by: number): Written {
  const at = written.at + by;
  switch (written.kind) {
    case 'list':
      return {...written, at, items: written.items.map((item) => moved(item, by))};
    case 'map': {
      const entries = [...written.entries].map(([key, {keyAt, value}]): [string, WrittenEntry] => [
        key,
        {keyAt: keyAt + by, value: moved(value, by)},
      ]);
      return {...written, at, entries: new Map(entries)};
    }
    case 'text':
    case 'number':
    case 'flag':
    case 'nothing':
      return {...written, at};
  }
}

/** Whether it is a mapping that does not come from elsewhere. */
function isMapping(written: Written | undefined): written is WrittenMap {
  return written?.kind === 'map' && sourceOf(written) === undefined;
}

/** Merges two values as Backstage does: mappings key by key; anything else replaces what was before. */
export function merged(before: Written | undefined, after: Written | undefined): Written | undefined {
  if (!isMapping(before) || !isMapping(after)) return after ?? before;
  const entries = new Map(before.entries);
  for (const [key, {keyAt, value}] of after.entries) {
    // null removes what an earlier file has
    if (value.kind === 'nothing' && entries.delete(key)) continue;
    entries.set(key, {keyAt, value: merged(entries.get(key)?.value, value) ?? value});
  }
  return {...after, entries};
}
