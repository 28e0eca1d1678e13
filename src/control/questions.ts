import {randomUUID} from 'node:crypto';
import {startTimer} from '../start-timer.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import type {Caller} from './control-protocol.ts';

/** Questions of the daemon to the user of a call. */
export class Questions {
  readonly #open = new Map<string, (isYes: boolean) => void>();

  /** Asks whether a user may replace another one. A user who does not answer, or is gone, says no. */
  async ask(
    {send, gone}: Caller,
    accounts: {readonly account: string; readonly known: string},
  ): Promise<boolean> {
    const question = randomUUID();
    const answer = Promise.withResolvers<boolean>();
    const refuse = () => answer.resolve(false);
    const stopTimer = startTimer(TIME_BUDGET.question, refuse);
    gone.addEventListener('abort', refuse, {once: true});
    this.#open.set(question, answer.resolve);
    try {
      send({event: 'other-account', question, ...accounts});
      return await answer.promise;
    } finally {
      this.#open.delete(question);
      gone.removeEventListener('abort', refuse);
      stopTimer();
    }
  }

  answer({question, isYes}: {readonly question: string; readonly isYes: boolean}): boolean {
    const resolve = this.#open.get(question);
    resolve?.(isYes);
    return resolve !== undefined;
  }
}
