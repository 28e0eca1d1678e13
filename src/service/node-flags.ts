/**
 * The flags of Node that the daemon runs with. `--disable-sigusr1`: else a signal opens a debugger on loopback.
 * `--disable-proto=delete` takes from foreign code what an exploit would use first. `--report-exclude-env`: else a
 * diagnostic report shows every variable. Node 22 warns of its SQLite, of which the daemon uses the locks. The others keep a process small that waits for most of its life: a small
 * nursery for a heap of 8 MB, and no threads for the engine. All of them leave alone what Node has compiled of its own
 * modules; a flag that does not (`keep-small.ts` has two of them) makes a cold start half as fast.
 *
 * @see https://nodejs.org/api/cli.html
 */
export const daemonNodeFlags = [
  '--disable-sigusr1',
  '--disable-proto=delete',
  '--report-exclude-env',
  '--max-semi-space-size=1',
  '--v8-pool-size=0',
  '--single-threaded-gc',
  '--no-concurrent-recompilation',
  '--disable-warning=ExperimentalWarning',
] as const;

/** Variables that put foreign code into a process: the daemon is started without them. */
export const unsafeVariables = ['NODE_OPTIONS', 'NODE_PATH', 'LD_PRELOAD'] as const;
