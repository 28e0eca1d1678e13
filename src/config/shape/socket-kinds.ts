import {text} from './scalars.ts';

export const SOCKET_NAME = text({
  expected: 'lower-case letters, digits and hyphens, 31 at most',
  pattern: '[a-z0-9][a-z0-9-]{0,30}',
  example: 'team-a',
  value: (found) => found,
});

/** Permission bits. The owner can read and write, and no user can execute. */
export const MODE = text({
  expected: 'as in "0600", "0660" or "0666"',
  pattern: '0?o?([0-7]{3})',
  example: '0660',
  value(_, [, bits = '']) {
    const mode = Number.parseInt(bits, 8);
    return (mode & 0o600) === 0o600 && (mode & 0o111) === 0 ? mode : undefined;
  },
});

export const GROUP = text({
  expected: 'the name or the number of a group',
  pattern: String.raw`[a-zA-Z0-9_][a-zA-Z0-9_.\-]{0,62}\$?`,
  example: 'builders',
  value: (found) => found,
});
