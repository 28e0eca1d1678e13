/** The first descriptor that systemd passes. @see sd_listen_fds(3) */
const FIRST = 3;

/**
 * Returns the descriptors of the sockets that systemd opened for us, by the names of their units, because their order
 * varies. Removes the three variables from the environment, so that no child takes them for its own.
 */
export function takeInheritedSockets(
  environment: NodeJS.ProcessEnv,
  pid: number,
): ReadonlyMap<string, number> {
  const {LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = ''} = environment;
  delete environment['LISTEN_PID'];
  delete environment['LISTEN_FDS'];
  delete environment['LISTEN_FDNAMES'];
  if (Number(LISTEN_PID) !== pid || !/^[0-9]{1,4}$/.test(LISTEN_FDS ?? '')) return new Map();
  const names = LISTEN_FDNAMES.split(':');
  return new Map(
    Array.from({length: Number(LISTEN_FDS)}, (_, at) => [names[at] ?? `unnamed-${at}`, FIRST + at]),
  );
}
