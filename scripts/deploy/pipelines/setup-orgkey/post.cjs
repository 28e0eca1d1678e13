'use strict';
// Ends the orgkey of a job and removes all that it had, also after a step that failed. It never fails the job.
const {spawnSync} = require('node:child_process');
const {existsSync, readFileSync, rmSync} = require('node:fs');
const {join} = require('node:path');
const {platformOf} = require('./platform.cjs');

const platform = platformOf(process.env);
const root = platform.state('directory');
// the main step found a wrong input: nothing was made
if (root !== undefined && existsSync(root)) end(root);

function end(root) {
  const job = join(root, 'job');
  const command = join(job, 'bin', 'orgkey');
  try {
    const stopped = existsSync(command)
      ? spawnSync(command, ['job', 'stop', '--directory', job], {
          stdio: ['ignore', 'inherit', 'inherit'],
          timeout: 90_000,
        })
      : undefined;
    if (stopped !== undefined && stopped.status !== 0) platform.warn('orgkey did not end as it should');
    killLeft(job);
    rmSync(root, {recursive: true, force: true, maxRetries: 5});
  } catch (error) {
    platform.warn(`something of orgkey is left in ${root}: ${error.message}`);
  }
}

/** The daemon's own record of its process. It is there only if the command above could not end it. */
function killLeft(job) {
  try {
    const {runtime} = JSON.parse(readFileSync(join(job, 'job.json'), 'utf8'));
    process.kill(Number(readFileSync(join(runtime, 'control', 'pid'), 'utf8')), 'SIGKILL');
    rmSync(runtime, {recursive: true, force: true});
  } catch {
    // it has ended
  }
}
