#!/usr/bin/env node
'use strict';
// The command `orgkey` as npm installs it. Plain syntax, so that an old Node can say that it is too old.

/** The oldest Node that runs orgkey: major, minor. */
const oldest = [22, 20];

/** What the daemon runs with, wherever it was started; here as well as in the units. */
const daemonNodeFlags = [
  '--disable-sigusr1',
  '--disable-proto=delete',
  '--report-exclude-env',
  '--max-semi-space-size=1',
  '--v8-pool-size=0',
  '--single-threaded-gc',
  '--no-concurrent-recompilation',
  '--disable-warning=ExperimentalWarning',
];

const version = process.versions.node.split('.').map(Number);
if (version[0] < oldest[0] || (version[0] === oldest[0] && version[1] < oldest[1])) {
  process.stderr.write(
    `orgkey: error: orgkey needs Node ${oldest.join('.')} or later, and this is ${process.version} (${process.execPath})\n`,
  );
  process.exitCode = 1;
} else {
  start(process.argv.slice(2));
}

function start(args) {
  // Another program in this process, not in a child. Not with sockets from systemd: they would be closed
  if (args[0] === 'daemon' && process.execve !== undefined && process.env.LISTEN_FDS === undefined) {
    const main = require('path').join(__dirname, 'main.js');
    process.execve(process.execPath, [process.execPath, ...daemonNodeFlags, main, ...args], process.env);
  }
  harden();
  import('./main.js').catch((error) => {
    process.stderr.write(`orgkey: error: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  });
}

/** Those of the flags that can still be had once Node runs. */
function harden() {
  // Node opens a debugger at this signal unless somebody listens
  process.on('SIGUSR1', () => {});
  process.report.excludeEnv = true;
  delete Object.prototype.__proto__;
}
