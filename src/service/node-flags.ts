/**
 * The flags of Node that the daemon runs with. `--disable-sigusr1`: else a signal opens a debugger on loopback.
 * `--report-exclude-env`: else a diagnostic report shows every variable. The others take from foreign code
 * what an exploit would use first. The last four keep a process small that waits for most of its life: a small
 * nursery for a heap of 8 MB, one thread for the engine, and no second optimizing compiler, whose code and own pages
 * cost more memory than its speed is worth here.
 *
 * @see https://nodejs.org/api/cli.html
 */
export const daemonNodeFlags = [
  '--disable-sigusr1',
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--report-exclude-env',
  '--max-semi-space-size=1',
  '--single-threaded',
  '--optimize-for-size',
  '--no-opt',
] as const;

/** Variables that put foreign code into a process: the daemon is started without them. */
export const unsafeVariables = ['NODE_OPTIONS', 'NODE_PATH', 'LD_PRELOAD'] as const;
