/**
 * Removes every way to turn text into code: `eval` and all function constructors throw an `EvalError`. V8's own flag,
 * `--disallow-code-generation-from-strings`, would cost a third of a cold start, because Node cannot use its compiled
 * modules with it. Call this before anything else is loaded, so that no module holds what is removed.
 */
export function forbidEval(): void {
  // keeps `x instanceof Function` as it was
  refuse.prototype = Function.prototype;
  const kinds = [function () {}, async function () {}, function* () {}, async function* () {}];
  for (const kind of kinds) fix(Object.getPrototypeOf(kind), 'constructor', refuse);
  fix(globalThis, 'Function', refuse);
  fix(globalThis, 'eval', refuse);
}

function refuse(): never {
  throw new EvalError('turning text into code is forbidden');
}

function fix(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, {value, writable: false, configurable: false});
}
