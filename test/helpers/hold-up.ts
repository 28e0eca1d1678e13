/** Nothing happens in this process meanwhile, as where the machine has no time for it. */
export function holdUp(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
