import {setTimeout as pause} from 'node:timers/promises';
import {inspect} from 'node:util';

/** What takes longer never comes, even on the slowest machine. In milliseconds; less than ava's own limit. */
const PATIENCE = 120_000;

/** Waits for a promise. @throws {Error} if it does not settle in time, with what was `seen` until then */
export async function inTime<T>(what: string, coming: Promise<T>, seen: () => unknown): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(tooLate(what, seen())), PATIENCE);
  });
  try {
    return await Promise.race([coming, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Polls until `isSo`, and returns what it saw. @throws {Error} if that takes too long, with what was seen last */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  isSo: (seen: T) => boolean,
): Promise<T> {
  const start = performance.now();
  for (;;) {
    const seen = await look();
    if (seen !== undefined && isSo(seen)) return seen;
    if (performance.now() - start > PATIENCE) throw tooLate(what, seen);
    await pause(5);
  }
}

function tooLate(what: string, seen: unknown): Error {
  const told = typeof seen === 'string' ? seen : inspect(seen, {depth: 6});
  return new Error(`waited ${PATIENCE / 1000} s for ${what}, and saw: ${told || 'nothing'}`);
}
