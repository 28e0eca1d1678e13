/**
 * Every time limit of one request, in milliseconds. Each is derived from the limit around it, so that the inner part
 * always ends first and its reason reaches git.
 */
const REQUEST = 10_000;

export const TIME_BUDGET = {
  /** From a connection to the end of its request, and from there to its answer. */
  read: REQUEST,
  answer: REQUEST,
} as const;
