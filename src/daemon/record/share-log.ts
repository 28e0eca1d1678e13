import type {SocketScope} from '../../organization/socket-scope.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import type {Log} from './log.ts';

/** In milliseconds. */
const PERIOD = 60_000;

/** Lines of one scoped socket in this time. */
const MOST_LINES = 100;

/**
 * Gives the clients of each scoped socket a share of the log: so many of their lines, then how many more there would
 * have been. So nobody pushes out what it tells of others.
 */
export function shareLog(log: Log, after: StartTimer): (scope: SocketScope) => Log {
  const shares = new Map<string, Log>();
  return ({name, organizations}) => {
    if (organizations === undefined) return log;
    const share = shares.get(name) ?? bounded(log, name, after);
    shares.set(name, share);
    return share;
  };
}

function bounded(log: Log, socket: string, after: StartTimer): Log {
  let lines = 0;
  return (level, message, details) => {
    // who wants all details wants them of everybody
    if (level === 'debug') return log(level, message, details);
    if (lines === 0)
      after(PERIOD, () => {
        if (lines > MOST_LINES) log('warn', `${lines - MOST_LINES} more like these are left out`, {socket});
        lines = 0;
      });
    if (++lines <= MOST_LINES) log(level, message, details);
  };
}
