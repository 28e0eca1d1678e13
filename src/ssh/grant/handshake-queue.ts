import {SshFailure} from '../ssh-failure.ts';
import type {StartTimer} from './single-use-socket.ts';

/** How many handshakes one host gets at once; sshd drops some of more than ten. */
const MOST_AT_ONCE = 6;
/** A host that drops all of these attempts is not busy. */
const MOST_ATTEMPTS = 8;
/** In milliseconds, before the second attempt; each further one waits longer. */
const FIRST_DELAY = 100;

interface Host {
  limit: number;
  running: number;
  /** It accepted a connection since the queue was last empty. */
  accepts: boolean;
  readonly waiting: (() => void)[];
}

/**
 * Lets the handshakes with one host take turns. All users of the daemon reach a host through it, so that together they
 * are more than the host accepts at once from strangers (sshd's `MaxStartups`). A host that drops connections gets fewer
 * at once from then on, and the dropped ones are tried again: it had seen nothing of us.
 */
export class HandshakeQueue {
  readonly #startTimer: StartTimer;
  readonly #hosts = new Map<string, Host>();

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  /**
   * Returns the result of `attempt`, which may run several times.
   * @throws what the last attempt threw, or the reason of the signal
   */
  async run<T>(name: string, attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const host = this.#hosts.get(name) ?? {
      limit: MOST_AT_ONCE,
      running: 0,
      accepts: false,
      waiting: [],
    };
    this.#hosts.set(name, host);
    try {
      for (let count = 1; ; count++) {
        const outcome = await inTurn(host, attempt, signal);
        if (outcome.kind === 'done') return outcome.result;
        if (count >= MOST_ATTEMPTS) throw host.accepts ? busy(name, outcome.failure) : outcome.failure;
        await this.#pause(FIRST_DELAY * count, signal);
      }
    } finally {
      if (host.running === 0 && host.waiting.length === 0) this.#hosts.delete(name);
    }
  }

  #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const {promise, resolve} = Promise.withResolvers<void>();
    const stop = this.#startTimer(milliseconds, resolve);
    signal.addEventListener('abort', () => resolve(), {once: true});
    return promise.finally(stop);
  }
}

function busy(name: string, cause: SshFailure): SshFailure {
  return new SshFailure('ERR_ENDED_EARLY', `${name} accepts only some of our connections`, {
    cause,
    hints: ['try again, with fewer at once: git -c submodule.fetchJobs=2 …'],
  });
}

type Outcome<T> =
  | {readonly kind: 'done'; readonly result: T}
  | {readonly kind: 'dropped'; readonly failure: SshFailure};

async function inTurn<T>(host: Host, attempt: () => Promise<T>, signal: AbortSignal): Promise<Outcome<T>> {
  await takeTurn(host, signal);
  try {
    signal.throwIfAborted();
    const result = await attempt();
    host.accepts = true;
    host.limit = Math.min(MOST_AT_ONCE, host.limit + 1);
    return {kind: 'done', result};
  } catch (error) {
    if (!(error instanceof SshFailure) || error.code !== 'ERR_ENDED_EARLY') throw error;
    host.limit = Math.max(1, Math.floor(host.limit / 2));
    return {kind: 'dropped', failure: error};
  } finally {
    host.running--;
    startNext(host);
  }
}

async function takeTurn(host: Host, signal: AbortSignal): Promise<void> {
  if (host.running < host.limit) {
    host.running++;
    return;
  }
  const {promise, resolve} = Promise.withResolvers<void>();
  host.waiting.push(resolve);
  // it then takes its turn at once, fails and gives it back
  signal.addEventListener('abort', () => {
    const at = host.waiting.indexOf(resolve);
    if (at === -1) return;
    host.waiting.splice(at, 1);
    host.running++;
    resolve();
  });
  await promise;
}

function startNext(host: Host): void {
  while (host.running < host.limit && host.waiting.length > 0) {
    host.running++;
    host.waiting.shift()?.();
  }
}
