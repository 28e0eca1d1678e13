import type {Failure} from './acquire.ts';

/** A forced acquisition brought the token that was held already. */
export const sameAgain: Failure = {
  code: 'ERR_SAME_TOKEN',
  message: 'the issuer returned the same token again',
  hint: undefined,
};

export const removed: Failure = {
  code: 'ERR_DROPPED',
  message: 'the identity was removed from the configuration while its token was being acquired',
  hint: 'Try again.',
};

/** The acquisition threw, although it returns its failures: a bug. */
export const brokeOff: Failure = {
  code: 'ERR_BROKE_OFF',
  message: 'the token could not be acquired because of a bug in orgkey',
  hint: 'Report it with the log: orgkey logs',
};

export const expiresTooSoon: Failure = {
  code: 'ERR_TOKEN_EXPIRED',
  message: 'the issuer returned a token that expires in less than a minute',
  hint: "Check this machine's clock. If it is right, the issuer's token lifetime policy is too short.",
};
