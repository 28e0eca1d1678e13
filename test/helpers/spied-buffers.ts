/** Keeps every array of bytes that is made meanwhile. */
export function withSpiedBuffers<Result>(made: Uint8Array[], act: () => Result): Result {
  const original = globalThis.Uint8Array;
  const encode = TextEncoder.prototype.encode.bind(new TextEncoder());
  const unspied = Object.getOwnPropertyDescriptor(TextEncoder.prototype, 'encode') ?? {};
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args) {
      const array = Reflect.construct(target, args) as Uint8Array;
      made.push(array);
      return array;
    },
  });
  TextEncoder.prototype.encode = (text) => {
    const array = encode(text);
    made.push(array);
    return array;
  };
  try {
    return act();
  } finally {
    globalThis.Uint8Array = original;
    Object.defineProperty(TextEncoder.prototype, 'encode', unspied);
  }
}
