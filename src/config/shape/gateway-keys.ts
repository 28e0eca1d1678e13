import {parseRepositoryPattern} from '../../gateway/rule/rule.ts';
import {list, listOf} from './collections.ts';
import type {Keys} from './kind.ts';
import {GROUP, MODE, SOCKET_NAME} from './socket-kinds.ts';
import {FLAG, text, unless} from './scalars.ts';

const CARRIED = list(
  text({
    expected:
      'ORGANIZATION/PROJECT/REPOSITORY, or HOST/COLLECTION/PROJECT/REPOSITORY for a server, with * in a part',
    example: 'contoso/web/*',
    value: parseRepositoryPattern,
  }),
);

const REFS = list(
  text({
    expected: 'a full ref, with * for any run of characters',
    pattern: String.raw`refs/[\x21-\x7e]{1,250}`,
    example: 'refs/heads/agents/*',
    value: (found) => found,
  }),
);

/** A port on the loopback address. 0 stands for any free port. */
const LOOPBACK = text({
  expected: 'off, or a loopback address with a port as in 127.0.0.1:9468',
  pattern: String.raw`(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]):(\d{1,5})`,
  example: '127.0.0.1:9468',
  value(_, [, host = '', port = '0']) {
    return Number(port) <= 65_535 ? {host: host.replace(/^\[|\]$/g, ''), port: Number(port)} : undefined;
  },
});

export const GATEWAYS = {
  kind: listOf({
    name: {
      kind: SOCKET_NAME,
      describe: 'Names the directory `gateways/NAME`: lower-case letters, digits and hyphens.',
    },
    repositories: {
      kind: CARRIED,
      describe:
        'The repositories that its clients can reach: `ORGANIZATION/PROJECT/REPOSITORY`, `*` for any run of characters in a part.',
    },
    push: {
      kind: REFS,
      optional: true,
      describe:
        'The refs that its clients may create and update: `refs/heads/agents/*`. Default: none, fetch only.',
    },
    deletions: {kind: FLAG, default: false, describe: 'Whether its clients may delete such refs.'},
    lfs: {kind: FLAG, default: true, describe: 'Whether Git LFS is carried.'},
    listen: {
      kind: unless('off', LOOPBACK),
      default: 'off',
      describe:
        'A TCP port for clients that know no SOCKS proxy on a socket: `127.0.0.1:9468`, or `localhost:9468` for libgit2.',
    },
    mode: {kind: MODE, default: '0600', describe: 'The permissions of the socket, in quotes.'},
    group: {
      kind: GROUP,
      optional: true,
      describe: 'The group that owns the socket. Default: the daemon’s own.',
    },
  }),
  optional: true,
  describe: 'Gateways: they carry requests of git for clients that hold no credential.',
} satisfies Keys[string];
