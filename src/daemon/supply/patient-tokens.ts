import type {Found, TokenCache} from '../../token/token-cache.ts';
import {startTimer} from '../../start-timer.ts';
import {timedOut} from '../../text/timed-out.ts';

/**
 * Returns the token cache for a waiting git. After `patience` milliseconds git gets the token that was to be replaced,
 * or else a reason. The acquisition goes on, and the next git finds its result.
 */
export function patientTokens(tokens: TokenCache, patience: number): Pick<TokenCache, 'get' | 'peek'> {
  return {
    peek: (wanted) => tokens.peek(wanted),
    async get(wanted, rejected) {
      const ready = tokens.ready(wanted, rejected);
      if (ready !== undefined) return ready;
      let stopTimer: (() => void) | undefined;
      const late = new Promise<Found>((resolve) => {
        stopTimer = startTimer(patience, () => {
          const token = tokens.peek(wanted);
          const isGood = token !== undefined && rejected?.(token.fingerprint) !== true;
          resolve(isGood ? {kind: 'token', token, source: 'cache'} : outOfTime(patience));
        });
      });
      try {
        return await Promise.race([tokens.get(wanted, rejected), late]);
      } finally {
        stopTimer?.();
      }
    },
  };
}

function outOfTime(patience: number): Found {
  const hint = 'Check the network and the proxy of this machine, then try again.';
  return {kind: 'failed', failure: timedOut('the token issuer did not answer', patience, hint)};
}
