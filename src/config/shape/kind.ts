import type {Problems} from '../text/problems.ts';
import {sourceOf, type Written} from '../text/written.ts';
import type {Resolver} from '../value/resolve-value.ts';

/**
 * What one value of the configuration may be. A kind reads and checks the value, and describes itself for the JSON
 * Schema and the reference, so that each rule is written once.
 */
export interface Kind<Value> {
  readonly form: Form;
  /** Returns the value, or `WRONG` if it cannot be used; the reason is then among the problems. */
  read(written: Written, slot: Slot, reader: Reader): Value | Wrong;
}

/** What the JSON Schema and the reference need to know of a kind. */
export type Form =
  | {
      readonly name: 'text' | 'number' | 'size';
      /** A regular expression for the whole text. `undefined`: any text. */
      readonly pattern: string | undefined;
      /** The only texts possible, if there are few. */
      readonly choices: readonly string[] | undefined;
      readonly example: string;
    }
  | {readonly name: 'true or false' | 'anything'}
  /** `isForSsh`: a key in an ssh-agent is possible, too. */
  | {readonly name: 'secret'; readonly isForSsh: boolean}
  | {readonly name: 'list'; readonly item: Form; readonly mayBeNothing: boolean}
  | {readonly name: 'mapping'; readonly keys: Keys}
  /** A mapping of one of several shapes, which differ in their keys. */
  | {readonly name: 'one of'; readonly shapes: readonly Shape[]};

export interface Shape {
  /** With its article: `a client secret`. */
  readonly name: string;
  readonly keys: Keys;
}

export interface Key {
  readonly kind: Kind<unknown>;
  /** One or two sentences, for editors and the reference. */
  readonly describe: string;
  /** As a user would write it. A key with a default is never missing. */
  readonly default?: string | number | boolean;
  /** The key may be missing; its value is `undefined` then. */
  readonly optional?: true;
  /** The key existed once, and is an error now. `message` continues `KEY was removed: `. */
  readonly removed?: {readonly message: string; readonly hint: string};
}

export type Keys = Readonly<Record<string, Key>>;

type ValueOf<One extends Key> = One extends {readonly kind: Kind<infer Value>}
  ? One extends {readonly optional: true}
    ? Value | undefined
    : Value
  : never;

export type ValuesOf<All extends Keys> = {readonly [Name in keyof All]: ValueOf<All[Name]>};

/** The key of a value, and the offset of the key. `keyAt` is `undefined` for the items of a list. */
export interface Slot {
  readonly label: string;
  readonly keyAt: number | undefined;
}

export type UnknownKeys = 'error' | 'warning';

/** Replaces a value that cannot be used. */
export const WRONG = Symbol('wrong');
export type Wrong = typeof WRONG;

/** Reads one file: resolves its values, and counts what was wrong, so that each mapping knows whether it is sound. */
export class Reader {
  readonly problems: Problems;
  readonly resolver: Resolver;
  /** How to report a key that does not exist: a newer version may know it. */
  readonly unknownKeys: UnknownKeys;
  #wrong = 0;

  constructor(problems: Problems, resolver: Resolver, unknownKeys: UnknownKeys = 'error') {
    this.problems = problems;
    this.resolver = resolver;
    this.unknownKeys = unknownKeys;
  }

  get wrongSoFar(): number {
    return this.#wrong;
  }

  /** Counts a value whose problem is known already. */
  wrong(): Wrong {
    this.#wrong += 1;
    return WRONG;
  }

  /** Counts a wrong value and adds its problem. */
  refuse(at: number, message: string, hint?: string): Wrong {
    this.problems.refuse(at, message, hint);
    return this.wrong();
  }

  /** Adds the problem of a value that is not of the expected type. `expected` completes `KEY must be …`. */
  wrongType(written: Written, {label, keyAt}: Slot, expected: string): Wrong {
    // if the value could not be read, that is reported already
    if (written.kind === 'nothing')
      return this.problems.isReportedAt(written.at) || this.problems.isOpen(written.at)
        ? this.wrong()
        : this.refuse(keyAt ?? written.at, `${label} has no value`);
    const source = sourceOf(written);
    return this.refuse(
      written.at,
      `${label} must be ${expected}`,
      source === undefined ? undefined : SINGLE_VALUES,
    );
  }
}

export const SINGLE_VALUES =
  'a key that begins with $ stands for a single value, as in personalAccessToken: {$file: …}';
