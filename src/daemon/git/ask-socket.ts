import {connect} from 'node:net';
import {TIME_BUDGET} from '../../time-budget.ts';
import {startTimer} from '../start-timer.ts';

/** What a socket said to a request. */
export type SocketAnswer =
  | {readonly kind: 'answered'; readonly text: string}
  /** Nobody listens, or nothing is there. */
  | {readonly kind: 'refused'}
  /** Somebody listens and says nothing in time. */
  | {readonly kind: 'silent'};

const LONGEST_ANSWER = 64 * 1024;

/** Sends one request as git's client does, and reads to the end. Never throws. */
export function askSocket(path: string, request: string): Promise<SocketAnswer> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({path, allowHalfOpen: true});
    const settle = (answer: SocketAnswer) => {
      stopTimer();
      socket.destroy();
      resolve(answer);
    };
    const stopTimer = startTimer(TIME_BUDGET.hello, () => settle({kind: 'silent'}));
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.end(request));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST_ANSWER) settle({kind: 'answered', text});
    });
    socket.on('end', () => settle({kind: 'answered', text}));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const nobody = error.code === 'ECONNREFUSED' || error.code === 'ENOENT';
      settle(nobody ? {kind: 'refused'} : {kind: 'answered', text});
    });
  });
}

/**
 * Leaves a request that nobody waits for an answer to: whoever holds the socket starts a daemon for it. Resolves when
 * it is left. Never throws.
 */
export function knock(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({path}, () => socket.end('action=hello\ntimeout=0\n', resolve));
    socket.on('error', () => resolve());
  });
}

/** Our daemon greets, git's answers nothing. */
export function isOurs(answer: SocketAnswer): boolean {
  return answer.kind === 'answered' && answer.text.startsWith('orgkey=1\n');
}
