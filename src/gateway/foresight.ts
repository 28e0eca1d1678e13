import type {IncomingMessage, OutgoingHttpHeaders} from 'node:http';
import type {Socket} from 'node:net';
import {recentMap} from '../recent-map.ts';
import {startTimer} from '../start-timer.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import type {Repository} from './rule/repository.ts';

/** A question for the refs of a repository, as it goes to Azure DevOps. */
export interface RefsQuestion {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** What a client asked for most recently. */
interface Habit {
  readonly question: RefsQuestion;
  /** Whether it asked the same twice in a row. */
  readonly isFirm: boolean;
}

/** A question that was sent ahead, for the client of one connection. */
interface Ahead {
  readonly question: RefsQuestion;
  readonly repository: string;
  /** Of the token that went with it. */
  readonly fingerprint: string;
  /** `undefined`: none came, and the client's own question must ask. */
  readonly answer: Promise<IncomingMessage | undefined>;
  readonly end: () => void;
  /** Leaves the answer to its reader: from then on it has no time limit here. */
  readonly release: () => void;
}

/**
 * Asks for refs while the client still waits for what the server can do, which comes first in git's protocol: a fetch
 * waits for one round trip less. Only a question that the clients of this gateway asked twice in a row is sent ahead. Its
 * answer goes to the same connection and to the very same question only, so it is never older than the client's own
 * first request.
 */
export class Foresight {
  readonly #habits = recentMap<Habit>(MAX_HABITS);
  readonly #ahead = new WeakMap<Socket, Ahead>();

  /** Sends the usual question ahead, if there is one. `protocol`: the client's header `Git-Protocol`. */
  begin(
    socket: Socket,
    {repository, protocol, fingerprint}: {repository: Repository; protocol: unknown; fingerprint: string},
    send: (question: RefsQuestion, signal: AbortSignal) => Promise<IncomingMessage>,
  ): void {
    const name = nameOf(repository);
    const habit = this.#habits.get(name);
    if (habit?.isFirm !== true || habit.question.headers['git-protocol'] !== protocol) return;
    const {question} = habit;
    const ending = new AbortController();
    const end = () => ending.abort();
    const stopTimer = startTimer(TIME_BUDGET.foresight, end);
    socket.once('close', end);
    const release = () => {
      stopTimer();
      socket.off('close', end);
    };
    ending.signal.addEventListener('abort', release, {once: true});
    const answer = send(question, ending.signal).then(unread, () => undefined);
    this.#ahead.set(socket, {question, repository: name, fingerprint, answer, end, release});
  }

  /** Ends what was sent ahead for a connection and not taken. */
  drop(socket: Socket): void {
    this.#ahead.get(socket)?.end();
    this.#ahead.delete(socket);
  }

  /** Returns the answer to a question, if it was sent ahead for this connection, and learns the question. */
  async take(
    socket: Socket,
    {repository, fingerprint, gone}: {repository: Repository; fingerprint: string; gone: AbortSignal},
    question: RefsQuestion,
  ): Promise<IncomingMessage | undefined> {
    const name = nameOf(repository);
    const before = this.#habits.get(name)?.question;
    this.#habits.set(name, {question, isFirm: before !== undefined && isSame(before, question)});
    const ahead = this.#ahead.get(socket);
    this.#ahead.delete(socket);
    if (ahead === undefined) return undefined;
    const fits =
      ahead.repository === name && ahead.fingerprint === fingerprint && isSame(ahead.question, question);
    if (!fits) {
      ahead.end();
      return undefined;
    }
    gone.addEventListener('abort', ahead.end, {once: true});
    const answer = await ahead.answer;
    ahead.release();
    return answer;
  }
}

/** An answer may be ended before it is taken, and then it has no reader. */
function unread(answer: IncomingMessage): IncomingMessage {
  return answer.on('error', () => undefined);
}

function nameOf({host, path}: Repository): string {
  return `${host}${path}`;
}

function isSame(one: RefsQuestion, other: RefsQuestion): boolean {
  return one.body.equals(other.body) && JSON.stringify(one.headers) === JSON.stringify(other.headers);
}

/** Repositories whose usual question is kept. */
const MAX_HABITS = 1000;
