import type {SocketScope} from '../../organization/socket-scope.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import type {Log} from './log.ts';

/** How long lines are counted, in milliseconds. */
const PERIOD = 60_000;

/** How many lines one scoped socket may write in this time. */
const MOST_LINES = 100;

/**
 * Limits the log lines of each scoped socket: the first ones are written, then the number of those left out. So its
 * clients cannot push out the lines of others.
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
    // the level debug shows everything
    if (level === 'debug') return log(level, message, details);
    if (lines === 0)
      after(PERIOD, () => {
        if (lines > MOST_LINES)
          log('warn', `${lines - MOST_LINES} more lines of this socket are left out`, {socket});
        lines = 0;
      });
    if (++lines <= MOST_LINES) log(level, message, details);
  };
}
