/**
 * The flags of Node that the daemon runs with. `--disable-sigusr1`: else a signal opens a debugger on loopback.
 * `--report-exclude-env`: else a diagnostic report shows every variable. The others take from foreign code
 * what an exploit would use first.
 *
 * @see https://nodejs.org/api/cli.html
 */
export const daemonNodeFlags = [
  '--disable-sigusr1',
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--report-exclude-env',
] as const;

/** Variables that put foreign code into a process: the daemon is started without them. */
export const unsafeVariables = ['NODE_OPTIONS', 'NODE_PATH', 'LD_PRELOAD'] as const;
