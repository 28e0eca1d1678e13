/** One line that a configuration file of a user must have. */
export interface WantedLine {
  readonly line: string;
  /** The header that it belongs below: `[global]`. `undefined`: above all headers, or in a file without headers. */
  readonly section?: string;
  /** Finds other spellings of that header. */
  readonly isHeader?: (line: string) => boolean;
  /** Further lines that belong to it. */
  readonly more?: readonly string[];
  /** Finds a line of the user that sets the same. */
  readonly isRival: (line: string) => boolean;
  /** Finds a line outside the section that forbids the section's header. */
  readonly isOtherForm?: (line: string) => boolean;
  /** Returns the user's line with ours added to it. `undefined`: it cannot be added, and theirs stays. */
  readonly join?: (theirs: string) => string | undefined;
}

/** What was written into a file, to take back exactly that. */
export interface Written {
  /** Lines that were put in, together. */
  readonly blocks: readonly (readonly string[])[];
  readonly replaced: readonly {readonly was: string; readonly now: string}[];
  /** The file had no line end at its end. */
  readonly wasOpen: boolean;
}

interface Edited {
  readonly text: string;
  readonly written: Written;
  /** Lines of the user that set the same, and stay. */
  readonly rivals: readonly string[];
}

/** Adds the lines that are missing. Everything else stays as it is, comments included. */
export function addLines(text: string, wanted: readonly WantedLine[]): Edited {
  const wasOpen = text !== '' && !text.endsWith('\n');
  const edit = new Edit(wasOpen ? `${text}\n` : text);
  for (const one of wanted) edit.add(one);
  const {blocks, replaced, rivals} = edit;
  const isSame = blocks.length === 0 && replaced.length === 0;
  return {text: isSame ? text : edit.text, written: {blocks, replaced, wasOpen}, rivals};
}

class Edit {
  readonly blocks: string[][] = [];
  readonly replaced: {was: string; now: string}[] = [];
  readonly rivals: string[] = [];
  readonly #lines: string[];
  readonly #ending: string;

  constructor(text: string) {
    this.#lines = text.split('\n');
    this.#ending = text.includes('\r\n') ? '\r' : '';
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  add(wanted: WantedLine): void {
    const found = findRival(this.#lines, wanted);
    const other = otherFormOf(this.#lines, wanted);
    if (found === undefined && other !== undefined) {
      if (!namesUs(other, wanted)) this.rivals.push(other.trim());
    } else if (found === undefined) {
      const {at, block} = placeOf(this.#lines, wanted);
      this.#lines.splice(at, 0, ...block.map((line) => `${line}${this.#ending}`));
      this.blocks.push(block);
    } else if (!isThere(this.#lines, found, wanted)) this.#join(found, wanted);
  }

  #join(at: number, {join}: WantedLine): void {
    const was = bare(this.#lines[at]);
    const now = join?.(was);
    if (now === undefined) this.rivals.push(was.trim());
    else if (now !== was) {
      this.#lines[at] = `${now}${this.#ending}`;
      this.replaced.push({was, now});
    }
  }
}

/** Takes out what was written. What the user changed since then stays. */
export function takeBack(text: string, {blocks, replaced, wasOpen}: Written): string {
  const lines = text.split('\n');
  for (const {was, now} of replaced) {
    const at = lines.findIndex((line) => bare(line) === now);
    if (at >= 0) lines[at] = (lines[at] ?? '').replace(now, () => was);
  }
  for (const block of blocks.toReversed()) removeBlock(lines, block);
  const next = lines.join('\n');
  return wasOpen && next.endsWith('\n') ? next.slice(0, -1) : next;
}

/** If the user put something between our lines, only the lines that mean nothing without us go. */
function removeBlock(lines: string[], block: readonly string[]): void {
  const at = lines.findIndex((_, start) => block.every((line, index) => bare(lines[start + index]) === line));
  const header = block.findIndex((line) => line.startsWith('['));
  const next = bare(lines[at + block.length]);
  const isShared = header >= 0 && next !== '' && !next.startsWith('[');
  if (at >= 0 && !isShared) {
    lines.splice(at, block.length);
    return;
  }
  for (const line of block.slice(header + 1)) {
    const found = line === '' ? -1 : lines.findIndex((one) => bare(one) === line);
    if (found >= 0) lines.splice(found, 1);
  }
}

/** Whether the line is there, or the user's own setting, which may have several lines, names us already. */
function isThere(lines: readonly string[], at: number, wanted: WantedLine): boolean {
  const {line, section} = wanted;
  if (bare(lines[at]) === line) return true;
  const end = section === undefined ? at + 1 : endOf(lines, at + 1);
  return namesUs(lines.slice(at, end).join('\n'), wanted);
}

function namesUs(theirs: string, {line}: WantedLine): boolean {
  const name = /[\w-]*orgkey[\w-]*(?=["';]|$)/.exec(line)?.[0];
  return name !== undefined && theirs.includes(name);
}

function findRival(lines: readonly string[], wanted: WantedLine): number | undefined {
  const {section, isRival, line} = wanted;
  const from = section === undefined ? 0 : lines.findIndex((one) => isHeaderOf(wanted, one)) + 1;
  if (section !== undefined && from === 0) return undefined;
  const end = section === undefined && !hasHeaders(lines) ? lines.length : endOf(lines, from);
  const at = lines.slice(from, end).findIndex((one) => bare(one) === line || isRival(bare(one)));
  return at === -1 ? undefined : from + at;
}

/** A line above all headers may define the section already: a second definition would break the file. */
function otherFormOf(lines: readonly string[], {isOtherForm}: WantedLine): string | undefined {
  if (isOtherForm === undefined) return undefined;
  const theirs = lines.slice(0, endOf(lines, 0)).map(bare).filter(isOtherForm);
  return theirs.length === 0 ? undefined : theirs.join('; ');
}

function placeOf(
  lines: readonly string[],
  wanted: WantedLine,
): {readonly at: number; readonly block: string[]} {
  const {section, line, more = []} = wanted;
  // the last one is the empty text after the last line end
  const last = lines.length - 1;
  if (section === undefined) return {at: hasHeaders(lines) ? 0 : last, block: [line, ...more]};
  const header = lines.findIndex((one) => isHeaderOf(wanted, one));
  if (header >= 0) return {at: header + 1, block: [line, ...more]};
  return {at: last, block: [...(last > 0 ? [''] : []), section, line, ...more]};
}

function endOf(lines: readonly string[], from: number): number {
  const at = lines.slice(from).findIndex((line) => line.trimStart().startsWith('['));
  return at === -1 ? lines.length : from + at;
}

function hasHeaders(lines: readonly string[]): boolean {
  return lines.some((line) => /^\s*\[/.test(line));
}

function isHeaderOf({section, isHeader}: WantedLine, line: string): boolean {
  return (
    isHeader?.(bare(line)) === true ||
    bare(line)
      .replace(/\s*[#;].*$/, '')
      .trim() === section
  );
}

function bare(line = ''): string {
  return line.replace(/\r$/, '');
}
