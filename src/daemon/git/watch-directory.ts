import {watch} from 'node:fs';

/** Changes that come this close together are one, in milliseconds. */
const SETTLE = 200;

/** Says when something in a directory comes, goes or is replaced. Where that can't be had, nothing is said. */
export function watchDirectory(
  path: string,
  {
    onChange,
    after,
  }: {
    readonly onChange: () => void;
    /** Acts after so many milliseconds; what it gives cancels it. */
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
