#!/usr/bin/env node
'use strict';
// The command `orgkey` as npm installs it. Plain syntax, so that an old Node can report that it is too old.

/** The oldest Node that runs orgkey: major, minor. */
const oldest = [22, 20];

/** The daemon's flags. The units have the same. */
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
    `orgkey: error: orgkey needs Node ${oldest.join('.')} or later, not ${process.version} (${process.execPath})\n` +
      'orgkey: hint: install Node 24 from https://nodejs.org/en/download, or the Debian package of orgkey, which has its own Node\n',
  );
  process.exitCode = 1;
} else {
  start(process.argv.slice(2));
}

function start(args) {
  // replaces this process by another program, except with sockets from systemd, which it would close
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

/** Does what a running Node can still do of these flags. */
function harden() {
  // without a listener, Node opens a debugger at this signal
  process.on('SIGUSR1', () => {});
  process.report.excludeEnv = true;
  delete Object.prototype.__proto__;
}
