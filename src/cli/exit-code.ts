/** What scripts read: these numbers never change their meaning. */
export const EXIT = {
  ok: 0,
  unhealthy: 1,
  usage: 2,
  notRunning: 3,
  signInRefused: 4,
  badConfiguration: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
