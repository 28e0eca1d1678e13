import type {Found, TokenCache} from '../../token/token-cache.ts';
import {startTimer} from '../../start-timer.ts';

/**
 * The cache for a git that waits: after `patience` milliseconds it gets the token that was to be replaced, or a reason
 * where there is none. What is under way goes on, and the next git finds its result.
 */
export function patientTokens(tokens: TokenCache, patience: number): Pick<TokenCache, 'get' | 'peek'> {
  return {
    peek: (wanted) => tokens.peek(wanted),
    async get(wanted, rejected) {
      let stopTimer: (() => void) | undefined;
      const late = new Promise<Found>((resolve) => {
        stopTimer = startTimer(patience, () => {
          const token = tokens.peek(wanted);
          const isGood = token !== undefined && rejected?.(token.fingerprint) !== true;
          resolve(isGood ? {kind: 'token', token, source: 'cache'} : tooLate);
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

const tooLate: Found = {
  kind: 'failed',
  failure: {
    code: 'ERR_TIMEOUT',
    message: 'the issuer of its tokens did not answer in time',
    hint: 'Look at the network and the proxy of this machine; the next try may find the token ready.',
    retryAfter: undefined,
  },
};
