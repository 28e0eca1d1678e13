import type {Diagnostic} from '../../diagnostics/diagnostic.ts';
import {printable} from '../../text/printable.ts';
import {describeDiagnostic} from '../describe-diagnostic.ts';
import type {Terminal} from '../terminal.ts';
import {nameSome} from '../../text/name-some.ts';

/** Fewer organizations are shown one by one, as they come. */
const FEW = 3;

/**
 * Prints diagnostics as they come. Each repair is printed once. If there are many organizations, those with the same
 * findings are printed together at the end. On a terminal it also says what it waits for.
 */
export class DoctorReport {
  readonly #terminal: Terminal;
  readonly #isGrouped: boolean;
  readonly #grouped = new Map<string, Diagnostic[]>();
  readonly #repairs = new Set<string>();
  #lastGroup: string | undefined;
  #isInGroups = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, targets: number) {
    this.#terminal = terminal;
    this.#isGrouped = targets > FEW;
  }

  /** Says what is looked at now, if it takes a moment. */
  start(group: string): void {
    clearTimeout(this.#timer);
    // the checks of organizations are the last ones
    this.#isInGroups = this.#isGrouped && !GENERAL.has(group);
    this.#timer = setTimeout(() => {
      this.#terminal.showProgress(`checking ${printable(group, 60)} …`);
    }, MOMENT);
  }

  add(diagnostic: Diagnostic): void {
    const {group} = diagnostic;
    if (this.#isGrouped && this.#isInGroups && !GENERAL.has(group)) {
      const known = this.#grouped.get(group);
      if (known === undefined) this.#grouped.set(group, [diagnostic]);
      else known.push(diagnostic);
      return;
    }
    this.#print(diagnostic, group);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#terminal.showProgress(undefined);
    const bySignature = Map.groupBy(this.#grouped, ([name, diagnostics]) =>
      JSON.stringify(diagnostics.map((one) => withoutName(one, name))),
    );
    for (const equal of bySignature.values()) {
      const names = equal.map(([name]) => name);
      for (const diagnostic of equal[0]?.[1] ?? []) this.#print(diagnostic, nameSome(names, 6));
    }
  }

  #print(diagnostic: Diagnostic, heading: string): void {
    this.#terminal.showProgress(undefined);
    const {repair} = diagnostic;
    const isKnown = repair !== undefined && this.#repairs.has(repair);
    if (repair !== undefined) this.#repairs.add(repair);
    const shown: Diagnostic =
      diagnostic.repair !== undefined && isKnown
        ? {...diagnostic, group: heading, repair: 'as above'}
        : {...diagnostic, group: heading};
    this.#terminal.print(describeDiagnostic(shown, this.#lastGroup, this.#terminal.columns));
    this.#lastGroup = heading;
  }
}

/** In milliseconds. */
const MOMENT = 400;

/** The groups that do not belong to an organization. */
const GENERAL: ReadonlySet<string> = new Set([
  'machine',
  'git',
  'repository',
  'configuration',
  'daemon',
  'submodules',
  'network',
  'others',
]);

/** What differs between organizations with the same cause: their names and the times of their tokens. */
function withoutName({title, outcome, detail, repair}: Diagnostic, name: string): readonly string[] {
  return [title, outcome, detail, repair ?? ''].map((text) =>
    text
      .replaceAll(name, '')
      .replace(/valid for .*$/, '')
      .replace(/:\d+:\d+$/, ''),
  );
}
