import type {DaemonCommand} from './machine.ts';

/**
 * The daemon's flags of Node. `--disable-sigusr1`: otherwise a signal opens a debugger on loopback.
 * `--disable-proto=delete` removes the first target of prototype exploits. `--report-exclude-env`: otherwise a
 * diagnostic report shows every variable. `--disable-warning`: Node 22 warns of its SQLite, whose locks we use. The
 * others keep a mostly idle process small: a small nursery for a heap of 8 MB, and no threads for the engine. With all
 * of them Node can still use the compiled code of its own modules; a flag that prevents this (`keep-small.ts` sets two)
 * makes a cold start twice as slow.
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

/** Variables that load foreign code into a process: the daemon starts without them. */
export const unsafeVariables = ['NODE_OPTIONS', 'NODE_PATH', 'LD_PRELOAD'] as const;

/** Returns the words that start a daemon: Node, its flags, our program and the options. */
export function daemonWords({
  node,
  main,
  configFile,
  runtimeDirectory,
  stateDirectory,
}: Omit<DaemonCommand, 'sockets'>): readonly string[] {
  const config = configFile === undefined ? [] : ['--config', configFile];
  const places = ['--runtime-dir', runtimeDirectory, '--state-dir', stateDirectory];
  return [node, ...daemonNodeFlags, main, 'daemon', ...places, ...config];
}
