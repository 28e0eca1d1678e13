/** The exit codes, which scripts read: these numbers never change their meaning. */
export const EXIT = {
  ok: 0,
  unhealthy: 1,
  usage: 2,
  notRunning: 3,
  signInRejected: 4,
  badConfiguration: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each code means, for help texts and manuals. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.ok]: 'success',
  [EXIT.unhealthy]: 'something is wrong: a check failed, or an organization is not served',
  [EXIT.usage]: 'the command line is not valid',
  [EXIT.notRunning]: 'the daemon is not running',
  [EXIT.signInRejected]: 'the sign-in or the credential was rejected',
  [EXIT.badConfiguration]: 'the configuration is missing or invalid',
};
