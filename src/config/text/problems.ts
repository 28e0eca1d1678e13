/** What is wrong in a configuration, and where. Never contains a secret. */
export interface Problem {
  /** `/etc/orgkey/config.yaml:12:9`; lines and columns count from 1. */
  readonly place: string;
  /** Lower case, no full stop. */
  readonly message: string;
  readonly hint: string | undefined;
}

/** How many problems are listed; the others are counted. */
const LIMIT = 200;

export interface TextFile {
  readonly path: string;
  /** Offsets in its text are counted from here, so that an offset tells the file, too. */
  readonly start: number;
  /** The offsets in its text at which lines begin. */
  readonly lineStarts: readonly number[];
}

/** Collects what is wrong in the files of a configuration, with its place. */
export class Problems {
  readonly #files: {readonly path: string; readonly start: number; lines: string | readonly number[]}[] = [];
  #end = 0;
  readonly #errors = new Map<number, Said[]>();
  readonly #warnings = new Map<number, Said[]>();
  readonly #open = new Set<number>();
  readonly #advice = new Map<number, string>();
  /** Errors that concern only a part of the configuration, which is left out. */
  readonly #confined = new Set<Said>();
  /** The errors since `during` was called. */
  #recent = new Set<Said>();
  /** Errors from here on concern only what they are about. */
  #sparedFrom = Infinity;

  constructor(file?: string, text = '') {
    if (file !== undefined) this.addText(file, text);
  }

  /** Adds a file. Returns its start. */
  addText(path: string, text: string): number {
    const start = this.#end;
    this.#files.push({path, start, lines: text});
    this.#end = start + text.length + 1;
    return start;
  }

  /** Adds files that were read earlier, in the order of their starts. */
  addFiles(files: readonly TextFile[]): void {
    for (const {path, start, lineStarts} of files) this.#files.push({path, start, lines: lineStarts});
  }

  get files(): readonly TextFile[] {
    return this.#files.map((file) => ({path: file.path, start: file.start, lineStarts: startsIn(file)}));
  }

  fileAt(at: number): string {
    return this.#fileAt(at)?.path ?? '';
  }

  /** Sets the hint of a problem here that has none of its own. */
  advise(at: number, hint: string): void {
    this.#advice.set(at, hint);
  }

  /** Adds a problem of what begins at the offset: a key, a credential. Returns what replaces the value. */
  error(at: number, message: string, hint?: string): undefined {
    if (this.#open.has(at)) return;
    this.#recent.add(say(this.#errors, at, {at, message, hint: hint ?? this.#advice.get(at)}));
  }

  /** Adds a problem of a value, unless it has one: later problems of a value follow from the first. */
  refuse(at: number, message: string, hint?: string): undefined {
    const [first] = this.#errors.get(at) ?? [];
    if (first === undefined) this.error(at, message, hint);
    else this.#recent.add(first);
  }

  /** Marks a value that is not known here, with a warning. What follows from it is not an error. */
  leaveOpen(at: number, message: string | undefined): void {
    this.#open.add(at);
    if (message !== undefined) this.warn(at, message);
  }

  isOpen(at: number): boolean {
    return this.#open.has(at);
  }

  warn(at: number, message: string, hint?: string): void {
    say(this.#warnings, at, {at, message, hint});
  }

  isReportedAt(at: number): boolean {
    return this.#errors.has(at);
  }

  /** Whether an error concerns the whole configuration. */
  get found(): boolean {
    return [...this.#errors]
      .filter(([at]) => at < this.#sparedFrom)
      .some(([, here]) => here.some((said) => !this.#confined.has(said)));
  }

  /** Declares that errors of the files that are added from now on spare the rest of the configuration. */
  spareOthers(): void {
    this.#sparedFrom = this.#end;
  }

  /** Whether what begins at the offset, or later, has a problem. */
  isReportedFrom(start: number): boolean {
    return [...this.#errors.keys()].some((at) => at >= start);
  }

  /** Runs `read`. Returns its result, and the errors that it reported, also if they were known. */
  during<Result>(read: () => Result): {readonly result: Result; readonly errors: readonly Said[]} {
    const before = this.#recent;
    const recent = (this.#recent = new Set());
    const result = read();
    this.#recent = new Set([...before, ...recent]);
    return {result, errors: [...recent]};
  }

  /** Declares that errors concern one part only, and that the part is left out. */
  confine(errors: readonly Said[]): void {
    for (const said of errors) this.#confined.add(said);
  }

  /** In the order of the text. */
  errors(): Problem[] {
    return this.#list(this.#errors);
  }

  /** In the order of the text. */
  warnings(): Problem[] {
    return this.#list(this.#warnings);
  }

  /** `/etc/orgkey/config.yaml:12:9`; lines and columns count from 1, columns in UTF-16 code units. */
  place(at: number): string {
    const file = this.#fileAt(at);
    const starts = file === undefined ? [] : startsIn(file);
    const offset = at - (file?.start ?? 0);
    const line = lastNotAfter(starts, offset);
    return `${file?.path ?? ''}:${line + 1}:${offset - (starts[line] ?? 0) + 1}`;
  }

  #fileAt(at: number) {
    return this.#files.findLast(({start}) => start <= at);
  }

  #list(said: ReadonlyMap<number, readonly Said[]>): Problem[] {
    const all = [...said].toSorted(([one], [other]) => one - other).flatMap(([, here]) => here);
    const listed = all.slice(0, LIMIT).map(({at, message, hint}) => ({place: this.place(at), message, hint}));
    const next = all[LIMIT];
    if (next === undefined) return listed;
    const message = `${all.length - LIMIT} more problems from here on`;
    return [...listed, {place: this.place(next.at), message, hint: undefined}];
  }
}

/** Adds what an alias does not only repeat. Returns what was said there. */
function say(to: Map<number, Said[]>, at: number, said: Said): Said {
  const here = to.get(at);
  if (here === undefined) {
    to.set(at, [said]);
    return said;
  }
  const known = here.find(({message}) => message === said.message);
  if (known !== undefined) return known;
  here.push(said);
  return said;
}

export interface Said {
  readonly at: number;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Finds the lines of a file when they are needed first. */
function startsIn(file: {lines: string | readonly number[]}): readonly number[] {
  const {lines} = file;
  return (file.lines = typeof lines === 'string' ? lineStartsOf(lines) : lines);
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}

function lastNotAfter(starts: readonly number[], at: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
