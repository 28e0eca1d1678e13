// What the core's tests use of ava, without its processes: scripts/mutation/runner.ts runs thousands of changed versions
// of the core in one process. `scripts/test` runs the same tests with ava itself.
import {AssertionError, deepStrictEqual, ok, partialDeepStrictEqual} from 'node:assert';

interface Expected {
  readonly message?: string | RegExp | ((message: string) => boolean);
  readonly code?: string;
  readonly instanceOf?: new (...args: never[]) => unknown;
  readonly name?: string;
  readonly any?: boolean;
}

class Context {
  readonly cleanups: (() => unknown)[] = [];
  readonly context = {};
  title = '';

  pass(): void {}
  fail(message?: string): never {
    throw new AssertionError({message: message ?? 'failed'});
  }
  is(actual: unknown, expected: unknown): void {
    ok(Object.is(actual, expected));
  }
  not(actual: unknown, expected: unknown): void {
    ok(!Object.is(actual, expected));
  }
  true(actual: unknown): void {
    ok(actual === true);
  }
  false(actual: unknown): void {
    ok(actual === false);
  }
  truthy(actual: unknown): void {
    ok(actual);
  }
  falsy(actual: unknown): void {
    ok(!actual);
  }
  deepEqual(actual: unknown, expected: unknown): void {
    deepStrictEqual(actual, expected);
  }
  notDeepEqual(actual: unknown, expected: unknown): void {
    let isEqual = true;
    try {
      deepStrictEqual(actual, expected);
    } catch {
      isEqual = false;
    }
    ok(!isEqual);
  }
  like(actual: unknown, expected: unknown): void {
    partialDeepStrictEqual(actual, expected);
  }
  regex(text: string, pattern: RegExp): void {
    ok(new RegExp(pattern).test(text));
  }
  notRegex(text: string, pattern: RegExp): void {
    ok(!new RegExp(pattern).test(text));
  }
  throws(act: () => unknown, expected: Expected = {}): unknown {
    let thrown: unknown;
    try {
      act();
    } catch (error) {
      thrown = error;
    }
    return matching(thrown, expected);
  }
  async throwsAsync(
    act: Promise<unknown> | (() => Promise<unknown>),
    expected: Expected = {},
  ): Promise<unknown> {
    const thrown = await (typeof act === 'function' ? act() : act).then(
      () => undefined,
      (error: unknown) => error,
    );
    return matching(thrown, expected);
  }
  notThrows(act: () => unknown): void {
    act();
  }
  async notThrowsAsync(act: Promise<unknown> | (() => Promise<unknown>)): Promise<void> {
    await (typeof act === 'function' ? act() : act);
  }
  teardown(cleanup: () => unknown): void {
    this.cleanups.unshift(cleanup);
  }
  timeout(): void {}
  log(): void {}
  plan(): void {}
}

function matching(thrown: unknown, {message, code, instanceOf, name}: Expected): unknown {
  ok(thrown instanceof Error);
  if (typeof message === 'string') ok(thrown.message === message);
  if (message instanceof RegExp) ok(message.test(thrown.message));
  if (typeof message === 'function') ok(message(thrown.message));
  if (code !== undefined) ok('code' in thrown && thrown.code === code);
  if (instanceOf !== undefined) ok(thrown instanceof instanceOf);
  if (name !== undefined) ok(thrown.name === name);
  return thrown;
}

type Implementation = (t: Context, ...args: unknown[]) => unknown;
interface Macro {
  readonly exec: Implementation;
  readonly title?: (given: string | undefined, ...args: unknown[]) => string;
}

export interface SmallTest {
  readonly title: string;
  run(): Promise<void>;
}

/** Tests that were declared since the last look; the runner empties it after each file. */
export const declared: SmallTest[] = [];

function declare(...given: unknown[]): void {
  const title = typeof given[0] === 'string' ? given[0] : undefined;
  const [what, ...args] = title === undefined ? given : given.slice(1);
  const macro = (typeof what === 'function' ? {exec: what} : what) as Macro;
  declared.push({
    title: macro.title?.(title, ...args) ?? title ?? '',
    async run() {
      const t = new Context();
      try {
        await macro.exec(t, ...args);
      } finally {
        for (const cleanup of t.cleanups) await cleanup();
      }
    },
  });
}

const ignore = Object.assign(() => {}, {always: () => {}});
const test = Object.assign(declare, {
  serial: declare,
  skip: () => {},
  todo: () => {},
  before: ignore,
  after: ignore,
  afterEach: ignore,
  beforeEach: ignore,
  macro: (macro: Macro | Implementation): Macro => (typeof macro === 'function' ? {exec: macro} : macro),
  meta: {file: import.meta.url},
});
export default test;
