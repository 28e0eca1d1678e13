import {spawnSync} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';

/**
 * Makes a runtime directory whose daemon was killed, and returns it. The scripts then look in no other place, where a
 * daemon of the person who runs the tests could answer.
 */
export function leaveDeadSocket(parent: string): string {
  const directory = join(parent, 'killed');
  mkdirSync(directory, {recursive: true});
  const listen = `require('node:net').createServer().listen('git.sock', () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', listen], {cwd: directory});
  return directory;
}
