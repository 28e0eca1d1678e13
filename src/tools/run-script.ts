import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {constants} from 'node:os';
import {join} from 'node:path';
import type {ClientScript} from '../places/client-scripts.ts';

/** In the folder of the built program, or in that of a checkout. */
const [directory = ''] = ['.', '../shell']
  .map((folder) => join(import.meta.dirname, folder))
  .filter((folder) => existsSync(join(folder, 'orgkey-token')));

/** Runs one of our scripts with the streams of the tool. Returns its exit code. */
export function runScript(script: ClientScript, words: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', [join(directory, script), ...words], {stdio: 'inherit'});
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      // as shells report a signal
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
