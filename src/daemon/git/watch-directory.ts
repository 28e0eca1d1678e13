import {watch} from 'node:fs';

/** Changes that are this close together count as one, in milliseconds. */
const SETTLE = 200;

/** Calls `onChange` when a file in a directory is made, removed or replaced. Does nothing if it cannot be watched. */
export function watchDirectory(
  path: string,
  {
    onChange,
    after,
  }: {
    readonly onChange: () => void;
    /** Runs `act` after `milliseconds`. Returns a function that cancels it. */
    readonly after: (milliseconds: number, act: () => void) => () => void;
  },
): {close(): void} {
  let cancel: (() => void) | undefined;
  const settle = () => {
    cancel?.();
    cancel = after(SETTLE, onChange);
  };
  try {
    const watcher = watch(path, {persistent: false}, settle);
    watcher.on('error', () => watcher.close());
    return {
      close() {
        cancel?.();
        watcher.close();
      },
    };
  } catch {
    return {close: () => undefined};
  }
}
