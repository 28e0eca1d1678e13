/**
 * From here on no text becomes code: `eval` and every constructor of functions throw an `EvalError`. What V8 offers for
 * it, `--disallow-code-generation-from-strings`, costs a third of a cold start: with that flag Node can't use what it
 * has compiled of its own modules. To be called before anything else is loaded, so that nobody holds what is taken away.
 */
export function forbidEval(): void {
  // `x instanceof Function` stays as it was
  refuse.prototype = Function.prototype;
  const kinds = [function () {}, async function () {}, function* () {}, async function* () {}];
  for (const kind of kinds) fix(Object.getPrototypeOf(kind), 'constructor', refuse);
  fix(globalThis, 'Function', refuse);
  fix(globalThis, 'eval', refuse);
}

function refuse(): never {
  throw new EvalError('code from text is forbidden here');
}

function fix(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, {value, writable: false, configurable: false});
}
