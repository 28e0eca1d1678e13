/**
 * What stands in the configuration, before variables are replaced. `at` is the offset of the value in the text,
 * in UTF-16 code units.
 */
export type Written = WrittenText | WrittenNumber | WrittenFlag | WrittenNothing | WrittenList | WrittenMap;

interface WrittenText {
  readonly kind: 'text';
  readonly at: number;
  /** Trimmed. */
  readonly text: string;
  /** YAML took a `#` that follows it, directly followed by text, for a comment. */
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

/** The parts of the file that are ours; `undefined` where there is none. */
export interface Parts {
  /** `integrations.azure`. */
  readonly azure: Written | undefined;
  readonly orgkey: Written | undefined;
  /** The keys above them that would bring them from elsewhere: `$include`, and whatever begins with `$` below `integrations`. */
  readonly sources: readonly {readonly name: string; readonly at: number}[];
}

/** The value of a key; `undefined` where the key is absent or stands in no map. */
export function valueAt(map: Written | undefined, key: string): Written | undefined {
  return map?.kind === 'map' ? map.entries.get(key)?.value : undefined;
}

/** The name of the source where a value is read from elsewhere: `$env`, `$file`, `$command` … */
export function sourceOf(written: Written | undefined): string | undefined {
  if (written?.kind !== 'map') return undefined;
  return [...written.entries.keys()].find((key) => key.startsWith('$'));
}
