import {mkdir, rename, rm, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import type {Secret} from '../secret/secret.ts';

/** Writes a secret to a file that only we can read, in one step, and erases it. */
export async function keepSecret(path: string, secret: Secret): Promise<void> {
  const draft = `${path}.new`;
  await mkdir(dirname(path), {recursive: true, mode: 0o700});
  try {
    await rm(draft, {force: true});
    await secret.use((bytes) => writeFile(draft, bytes, {mode: 0o600, flag: 'wx', flush: true}));
    await rename(draft, path);
  } finally {
    secret.erase();
  }
}
