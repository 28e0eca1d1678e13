import {connect} from 'node:net';
import {TIME_BUDGET} from '../time-budget.ts';
import {startTimer} from '../start-timer.ts';
import {codeOf} from '../text/orgkey-error.ts';

type SocketAnswer =
  | {readonly kind: 'answered'; readonly text: string}
  /** No process listens, or the socket does not exist. */
  | {readonly kind: 'absent'}
  /** A process listens, but did not answer in time. */
  | {readonly kind: 'silent'};

const LONGEST_ANSWER = 64 * 1024;

/** Sends one request as git's client does, and reads the whole answer. Never rejects. */
export function askSocket(
  path: string,
  request: string,
  limit: number = TIME_BUDGET.hello,
): Promise<SocketAnswer> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({path, allowHalfOpen: true});
    const settle = (answer: SocketAnswer) => {
      stopTimer();
      socket.destroy();
      resolve(answer);
    };
    const stopTimer = startTimer(limit, () => settle({kind: 'silent'}));
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.end(request));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST_ANSWER) settle({kind: 'answered', text});
    });
    socket.on('end', () => settle({kind: 'answered', text}));
    socket.on('error', (error) => {
      const isAbsent = ['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '');
      settle(isAbsent ? {kind: 'absent'} : {kind: 'answered', text});
    });
  });
}

/**
 * Leaves a request on a socket without waiting for its answer, so that the supervisor which holds the socket starts a
 * daemon. Resolves when the request is sent. Never throws.
 */
export function knock(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({path}, () => socket.end('action=hello\ntimeout=0\n', resolve));
    socket.on('error', () => resolve());
  });
}

/** Whether an orgkey daemon answered: git's own cache daemon answers nothing to this request. */
export function isOrgkey(answer: SocketAnswer): boolean {
  return answer.kind === 'answered' && answer.text.startsWith('orgkey=1\n');
}
