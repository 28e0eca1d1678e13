import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/** In bytes. */
const BETWEEN = 4 * 1024 * 1024;

/**
 * Collects young garbage each time that so many bytes went through. The engine counts the buffers of a transfer as
 * next to nothing, since they lie outside its heap, and lets some 60 MB of them pile up before it looks; asked for by
 * hand it takes less than a millisecond each time.
 */
export class YoungGarbage {
  readonly #collect = findCollector();
  #passed = 0;

  /** So many bytes went through. */
  passed(bytes: number): void {
    this.#passed += bytes;
    if (this.#passed < BETWEEN) return;
    this.#passed = 0;
    this.#collect();
  }
}

let collector: (() => void) | undefined;

/** Node gives the engine's own function only to contexts that are made while the flag is set. */
function findCollector(): () => void {
  if (collector !== undefined) return collector;
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  collector = typeof gc === 'function' ? () => Reflect.apply(gc, undefined, [{type: 'minor'}]) : () => {};
  return collector;
}
