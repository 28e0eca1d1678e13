import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';

/** Shells that are /bin/sh somewhere, from the PATH or brought by `scripts/test-packages`. */
export const shells = ['dash', 'bash', 'busybox', 'mksh', 'yash', 'zsh'].map((name) => {
  const unpacked = join(import.meta.dirname, '../../.cache', name, 'bin', name);
  const program = existsSync(unpacked) ? unpacked : name;
  const options: Readonly<Record<string, readonly string[]>> = {busybox: ['ash'], zsh: ['--emulate', 'sh']};
  const first = options[name] ?? [];
  const isInstalled = spawnSync(program, [...first, '-c', ':']).status === 0;
  const whyNot = isInstalled
    ? undefined
    : `${name} is not installed: scripts/test-packages ${name} brings it`;
  return {name, program, first, whyNot};
});
