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

/** Our parts of the file. `undefined`: the part does not exist. */
export interface Parts {
  /** `integrations.azure`. */
  readonly azure: Written | undefined;
  readonly orgkey: Written | undefined;
  /** Keys above them that would take them from elsewhere: `$include`, and all that begin with `$` below `integrations`. */
  readonly sources: readonly {readonly name: string; readonly at: number}[];
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
