import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Alias,
  type Document,
  type ErrorCode,
  type Scalar,
} from 'yaml';
import type {Problems} from './problems.ts';
import type {Tree, Written, WrittenEntry} from './written.ts';

const DEPTH = 50;

/** How many values may come from aliases: a few lines of aliases of aliases are billions of values. */
const ALIASED = 10_000;

type Report = Pick<Problems, 'error'>;

/** Reads YAML 1.2. Invalid YAML is reported in our words: the messages of the parser quote the text, secrets included. */
export function parseYaml(text: string, problems: Report): Tree {
  const document = parsed(text);
  if (document === undefined) {
    problems.error(0, 'values are nested too deeply');
    return NOTHING;
  }
  if (document.errors.length > 0) {
    reportErrors(text, document.errors, problems);
    return NOTHING;
  }

  const root = document.contents;
  const isMapping = root === null || isMap(root) || (isScalar(root) && root.value === null);
  const reader = new Reader(text, document, problems);
  return {
    at: (keys) => reader.readAt(root, keys),
    sourceAt: (keys) => reader.sourceAt(root, keys),
    strangeRoot: isMapping ? undefined : root.range[0],
  };
}

const NOTHING: Tree = {at: () => undefined, sourceAt: () => undefined, strangeRoot: undefined};

/** Reports errors up to the first that breaks the structure: later ones only follow from it. */
function reportErrors(text: string, errors: Document.Parsed['errors'], problems: Report): void {
  for (const {code, pos} of errors) {
    const [at] = pos;
    const placeholder = text[at] === '{' && text[at - 1] === '$';
    if (placeholder) problems.error(at - 1, 'between brackets, ${…} needs quotes around it');
    else problems.error(at, sentence(code));
    if (STRUCTURAL.has(code)) return;
  }
}

const STRUCTURAL: ReadonlySet<ErrorCode> = new Set([
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'IMPOSSIBLE',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'RESOURCE_EXHAUSTION',
  'TAB_AS_INDENT',
  'UNEXPECTED_TOKEN',
]);

function parsed(text: string): Document.Parsed | undefined {
  try {
    // our own walk finds duplicate keys where they matter: the library compares each key with each other
    return parseDocument(text, {prettyErrors: false, logLevel: 'error', uniqueKeys: false});
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface FoundPair {
  readonly name: unknown;
  readonly keyAt: number;
  readonly value: unknown;
}

function pairsIn(node: unknown, document: Document.Parsed): FoundPair[] {
  const map = isAlias(node) ? node.resolve(document) : node;
  if (!isMap(map)) return [];
  return map.items.flatMap(({key, value}) =>
    isScalar(key) ? [{name: key.value, keyAt: key.range?.[0] ?? 0, value}] : [],
  );
}

const TWICE = 'the same key is here twice';

class Reader {
  readonly #text: string;
  readonly #document: Document.Parsed;
  readonly #problems: Report;
  #aliased = 0;

  constructor(text: string, document: Document.Parsed, problems: Report) {
    this.#text = text;
    this.#document = document;
    this.#problems = problems;
  }

  readAt(root: unknown, keys: readonly string[]): Written | undefined {
    const found = this.#find(root, keys);
    return found && this.#read(found.value, found.keyAt, 0, false);
  }

  sourceAt(root: unknown, keys: readonly string[]): ReturnType<Tree['sourceAt']> {
    const pairs = pairsIn(this.#find(root, keys)?.value, this.#document);
    const found = pairs.find(({name}) => typeof name === 'string' && name.startsWith('$'));
    return found && {name: String(found.name), at: found.keyAt, isOnly: pairs.length === 1};
  }

  #find(root: unknown, keys: readonly string[]): Pick<FoundPair, 'keyAt' | 'value'> | undefined {
    let found: Pick<FoundPair, 'keyAt' | 'value'> | undefined = {keyAt: 0, value: root};
    for (const key of keys) {
      const pairs: FoundPair[] = pairsIn(found?.value, this.#document).filter(({name}) => name === key);
      for (const {keyAt} of pairs.slice(1)) this.#problems.error(keyAt, TWICE);
      found = pairs[0];
    }
    return found;
  }

  /** Reads a value. `near` is the place that is reported for a value that has none. */
  #read(node: unknown, near: number, depth: number, aliased: boolean): Written {
    if (depth > DEPTH) return this.#nothing(near, 'values are nested too deeply');
    if (aliased && (this.#aliased += 1) > ALIASED) {
      if (this.#aliased === ALIASED + 1) this.#problems.error(near, 'too many aliases');
      return {kind: 'nothing', at: near};
    }
    if (isAlias(node)) return this.#readAlias(node, near, depth);
    if (isMap(node)) return this.#readMap(node.items, node.range?.[0] ?? near, depth, aliased);
    if (isSeq(node)) {
      const at = node.range?.[0] ?? near;
      return {kind: 'list', at, items: node.items.map((item) => this.#read(item, at, depth + 1, aliased))};
    }
    return isScalar(node) ? this.#readScalar(node, near) : {kind: 'nothing', at: near};
  }

  #readAlias(alias: Alias, near: number, depth: number): Written {
    const target = alias.resolve(this.#document);
    const at = alias.range?.[0] ?? near;
    return target === undefined
      ? this.#nothing(at, sentence('BAD_ALIAS'))
      : this.#read(target, at, depth + 1, true);
  }

  #readScalar(node: Scalar, near: number): Written {
    const range = node.range ?? undefined;
    const at = range?.[0] ?? near;
    const {value} = node;
    switch (typeof value) {
      case 'string': {
        const cut = node.type === 'PLAIN' && range !== undefined && this.#isCut(range[1], range[2]);
        return {kind: 'text', at, text: value.trim(), cut};
      }
      case 'number':
        return {kind: 'number', at, value};
      case 'boolean':
        return {kind: 'flag', at, value};
      default:
        if (value === null) return {kind: 'nothing', at: node.source === '' ? near : at};
        return this.#nothing(at, 'a kind of value that is not known here');
    }
  }

  #readMap(
    items: readonly {readonly key: unknown; readonly value: unknown}[],
    at: number,
    depth: number,
    aliased: boolean,
  ): Written {
    const entries = new Map<string, WrittenEntry>();
    for (const {key, value} of items) {
      if (!isScalar(key)) {
        this.#problems.error(at, 'a key must be text');
        continue;
      }
      const keyAt = key.range?.[0] ?? at;
      const name = typeof key.value === 'string' ? key.value : (key.source ?? '');
      if (entries.has(name)) {
        this.#problems.error(keyAt, TWICE);
        continue;
      }
      entries.set(name, {keyAt, value: this.#read(value, keyAt, depth + 1, aliased)});
    }
    return {kind: 'map', at, entries};
  }

  /** `ab #cd` is `ab` for YAML; a comment that was meant as one has a space behind its `#`. */
  #isCut(end: number, next: number): boolean {
    return next > end && /^[ \t]+#[^\s#]/.test(this.#text.slice(end, next));
  }

  #nothing(at: number, message: string): Written {
    this.#problems.error(at, message);
    return {kind: 'nothing', at};
  }
}

function sentence(code: ErrorCode): string {
  return SENTENCES.get(code) ?? 'not valid YAML here';
}

const BAD_INDENT = 'the indentation does not fit, or text needs quotes';

const SENTENCES: ReadonlyMap<ErrorCode, string> = new Map([
  ['BAD_ALIAS', 'no anchor has this name: put quotes around text that begins with an asterisk'],
  ['BAD_DQ_ESCAPE', 'YAML does not know this escape after the backslash: use single quotes'],
  ['BAD_INDENT', BAD_INDENT],
  ['BLOCK_AS_IMPLICIT_KEY', BAD_INDENT],
  ['BAD_SCALAR_START', 'text cannot begin with this character: put quotes around it'],
  ['MISSING_CHAR', 'a quote, a bracket, a comma, a colon or a space is missing'],
  ['MULTIPLE_DOCS', 'a second document begins here: the file must be one'],
  ['MULTILINE_IMPLICIT_KEY', 'a key must be on one line, followed by a colon'],
  ['RESOURCE_EXHAUSTION', 'values are nested too deeply'],
  ['TAB_AS_INDENT', 'tabs cannot indent: use spaces'],
]);
