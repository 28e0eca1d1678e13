import {spawn} from 'node:child_process';
import type {StartTimer} from '../ssh/grant/single-use-socket.ts';
import {TIME_BUDGET} from '../time-budget.ts';

type Report = (notification: readonly string[]) => void;

/**
 * Reports to systemd that this process still does its work, from the loop that answers git. The first report sets the
 * limit: if reports cannot be sent, systemd has no limit and never ends a daemon that is well. Returns a function that
 * stops it. `describe`: for `systemctl status`, in one line.
 */
export function feedWatchdog(
  report: Report | undefined,
  startTimer: StartTimer,
  describe: () => Promise<string>,
): () => void {
  if (report === undefined) return () => undefined;
  let stop: (() => void) | undefined;
  const feed = () => {
    void describe().then(
      (line) => report(['WATCHDOG=1', `STATUS=${line}`]),
      () => report(['WATCHDOG=1']),
    );
    stop = startTimer(TIME_BUDGET.watchdogReport, feed);
  };
  report([`WATCHDOG_USEC=${TIME_BUDGET.watchdog * 1000}`]);
  stop = startTimer(TIME_BUDGET.watchdogReport, feed);
  return () => {
    stop?.();
    // the requests under way may take longer than the limit
    report(['WATCHDOG_USEC=0']);
  };
}

/**
 * Takes the socket of systemd's service manager from the environment, so that no child inherits it. Reports go through
 * systemd's own program: Node has no Unix sockets for datagrams. `undefined`: systemd does not listen to us.
 */
export function takeNotifySocket(environment: NodeJS.ProcessEnv): Report | undefined {
  const {NOTIFY_SOCKET, PATH} = environment;
  delete environment['NOTIFY_SOCKET'];
  if (NOTIFY_SOCKET === undefined) return undefined;
  return (notification) => {
    const child = spawn('systemd-notify', [...notification], {
      env: {NOTIFY_SOCKET, ...(PATH === undefined ? {} : {PATH})},
      stdio: 'ignore',
    });
    child.once('error', () => undefined);
    child.unref();
  };
}
