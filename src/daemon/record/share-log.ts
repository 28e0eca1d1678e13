import {shareOf, type SocketScope} from '../../organization/socket-scope.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import type {Log} from './log.ts';

/** How long lines are counted, in milliseconds. */
const PERIOD = 60_000;

/** How many lines a share may cause in this time. The audit still has every grant. */
const MOST_LINES = {main: 300, scoped: 100} as const;

/**
 * Limits the log lines of each share: the first ones are written, then the number of those left out. So its clients cannot
 * push out the lines of others.
 */
export function shareLog(log: Log, after: StartTimer): (scope: SocketScope) => Log {
  const shares = new Map<string, Log>();
  return (scope) => {
    const name = shareOf(scope);
    const share = shares.get(name) ?? bounded(log, scope, after);
    shares.set(name, share);
    return share;
  };
}

function bounded(log: Log, {name: socket, organizations, client}: SocketScope, after: StartTimer): Log {
  const most = MOST_LINES[organizations === undefined ? 'main' : 'scoped'];
  let lines = 0;
  return (level, message, details) => {
    // the level debug shows everything
    if (level === 'debug') return log(level, message, details);
    if (lines === 0)
      after(PERIOD, () => {
        if (lines > most)
          log('warn', `${lines - most} more lines of this socket are left out`, {socket, uid: client?.uid});
        lines = 0;
      });
    if (++lines <= most) log(level, message, details);
  };
}
