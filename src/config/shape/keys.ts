import {lowerAscii, organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {isServicesSshHost, SERVICES_SSH_HOSTS} from '../../organization/ssh-remote.ts';
import {GUID as GUID_PATTERN} from '../../text/guid.ts';
import {collectionFrom} from '../value/collection-name.ts';
import {isPlainHttps} from '../value/plain-https.ts';
import {list, listOf, section} from './collections.ts';
import {GATEWAYS} from './gateway-keys.ts';
import {GROUP, MODE, SOCKET_NAME} from './socket-kinds.ts';
import type {Keys, Kind, ValuesOf} from './kind.ts';
import {ANYTHING, FLAG, oneOf, SSH_KEY, text, unless} from './scalars.ts';

/*
 * The kinds of values. To add a key of a kind that exists, add a line to a table below; it is read, checked, in the
 * JSON Schema and in the reference from then on.
 */

export const TEXT = text({expected: 'text', example: 'text', value: (found) => found});

export const PATH = text({
  expected: 'a path',
  pattern: '.+',
  example: '/run/token',
  value: (found) => found,
});

/** A GUID, in lower case. */
export const GUID = guid((found) =>
  found === 'system-assigned' ? 'system-assigned is for managed identities only' : undefined,
);

export const TENANT = guid((found) =>
  found.includes('.') ? 'a domain is not enough: the portal shows the tenant’s id' : undefined,
);

function guid(hint: (found: string) => string | undefined): Kind<string> {
  return text({
    expected: 'a GUID',
    pattern: GUID_PATTERN,
    example: '9f000000-0000-4000-8000-000000000000',
    value: lowerAscii,
    hint,
    unknown: (found) => found,
  });
}

export const MANAGED_IDENTITY = text({
  expected: 'a GUID or system-assigned',
  pattern: `system-assigned|${GUID_PATTERN}`,
  example: 'system-assigned',
  value: lowerAscii,
  unknown: (found) => found,
});

/** An https address without a query, user and fragment; without slashes at its end. */
export const HTTPS = text({
  expected: 'an https address without query',
  pattern: String.raw`https://[\x21-\x7e]+`,
  example: 'https://login.microsoftonline.us',
  value: (found) => (isPlainHttps(found) ? found.replace(/\/+$/, '') : undefined),
});

export const SCOPES = list(
  text({
    expected: 'without spaces, quotes and backslashes, one to an item',
    pattern: String.raw`[\x21\x23-\x5b\x5d-\x7e]{1,200}`,
    example: 'vso.code',
    value: (found) => found,
  }),
);

/** Milliseconds, less than a timer can wait. */
const DURATION = text({
  expected: 'never, or a time as in 90s, 10m or 2h',
  pattern: String.raw`(\d{1,9})\s?([smhd])`,
  example: '10m',
  value(_, [, amount, unit = '']) {
    const milliseconds = Number(amount) * (SECONDS.get(unit) ?? Number.NaN) * 1000;
    return milliseconds > 0 && milliseconds < 2 ** 31 ? milliseconds : undefined;
  },
});

const SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
]);

/** Bytes. */
const SIZE = text({
  expected: 'a size of at least 4KiB, as in 500KiB or 10MiB',
  pattern: String.raw`(\d{1,12})\s?(KiB|MiB|GiB|)`,
  example: '500KiB',
  quantity: 'size',
  value(_, [, amount, unit = '']) {
    const bytes = Number(amount) * (BYTES.get(unit) ?? 1);
    return Number.isSafeInteger(bytes) && bytes >= 4096 ? bytes : undefined;
  },
});

const BYTES: ReadonlyMap<string, number> = new Map([
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
]);

function wholeNumber(least: number, most: number): Kind<number> {
  return text({
    expected: `a number from ${least} to ${most}`,
    pattern: String.raw`\d{1,9}`,
    example: String(most),
    quantity: 'number',
    value(found) {
      const number = Number(found);
      return number >= least && number <= most ? number : undefined;
    },
  });
}

/** Names in lower case. */
const OWNERS = list(
  text({
    expected: 'names of organizations or collections',
    example: 'contoso',
    value: (found) => organizationFrom(found) ?? collectionFrom(found),
  }),
);

/** In lower case. Azure DevOps has no other port than 22, and is known by its name alone. */
const SSH_HOST = text({
  expected: 'the ssh name of a host, as in ssh.dev.azure.com',
  pattern: String.raw`([a-zA-Z0-9_][a-zA-Z0-9._\-]{0,252})(?::([1-9]\d{0,4}))?`,
  example: 'ssh.example.org:2222',
  value(found, [, name = '', port]) {
    const host = lowerAscii(name);
    return port === '22' && isServicesSshHost(host) ? host : lowerAscii(found);
  },
});

const REPOSITORIES = list(
  text({
    expected: 'PROJECT/REPOSITORY, with * for any run of characters',
    pattern: String.raw`[^/\p{Cc}]{1,128}/[^/\p{Cc}]{1,128}`,
    example: 'tools/*',
    value: (found) => found,
  }),
);

const LISTEN = text({
  expected: 'off, a loopback address with a port as in 127.0.0.1:9464, or the absolute path of a socket',
  pattern: String.raw`/.*|(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]):(\d{1,5})`,
  example: '127.0.0.1:9464',
  value: (found, [, port = '0']) => (Number(port) <= 65_535 ? found : undefined),
});

/**
 * The section `orgkey`. One line for each key, which drives everything: reading, checking, defaults, the JSON Schema
 * and the reference.
 *
 * This is a table of our own and not a schema of a library, because a library returns either all values or only
 * problems. We need both, each problem with its place in the file, so that one broken credential leaves the others in
 * force; and some values are only known after a variable or file was read. It also costs nothing at a start for which
 * git waits: with Zod, loading the schema took 30 ms of a start of 55 ms, so that a second set of rules and a record
 * of known configurations avoided it.
 */
export const ORGKEY = {
  prefetch: {
    kind: FLAG,
    default: true,
    describe: 'Tokens of the configured organizations are acquired at start.',
  },
  onFailure: {
    kind: oneOf('quit', 'pass'),
    default: 'quit',
    describe:
      'What git does if a configured organization fails: `quit` with the reason, or `pass` to its next helper.',
  },
  idleExit: {
    kind: unless('never', DURATION),
    default: 'never',
    describe: 'The daemon ends after this long without a request: `10m`, `2h`.',
  },
  plainStore: {
    kind: oneOf('warn', 'accept'),
    default: 'warn',
    describe:
      'What `orgkey status` says while sign-ins and stored logins are unencrypted, because the machine has no keyring and no systemd credential.',
  },
  entra: {
    kind: section({
      authorityHost: {
        kind: HTTPS,
        default: 'https://login.microsoftonline.com',
        describe: 'The address of Entra: another one for national clouds.',
      },
      disableInstanceDiscovery: {
        kind: FLAG,
        default: false,
        describe: 'For authorities that Microsoft does not know.',
      },
    }),
    describe: 'How Entra is reached.',
  },
  sockets: {
    kind: listOf({
      name: {
        kind: SOCKET_NAME,
        describe: 'Names the directory `scoped/NAME`: lower-case letters, digits and hyphens.',
      },
      organizations: {kind: OWNERS, describe: 'The organizations that it serves, and no others.'},
      mode: {kind: MODE, default: '0600', describe: 'The permissions of the socket, in quotes.'},
      group: {
        kind: GROUP,
        optional: true,
        describe: 'The group that owns the socket. Default: the daemon’s own.',
      },
      gateway: {
        kind: SOCKET_NAME,
        optional: true,
        describe:
          'A gateway with `listen`: the socket hands out passwords for its port. Then `organizations` may be empty.',
      },
    }),
    optional: true,
    describe: 'Scoped sockets: for containers and for other users.',
  },
  gateways: GATEWAYS,
  submodules: {
    kind: listOf({
      organizations: {kind: OWNERS, describe: 'The organizations that the key is for.'},
      host: {
        kind: SSH_HOST,
        default: SERVICES_SSH_HOSTS[0],
        describe:
          'The host’s ssh name, or `NAME:PORT` for one port only. The default includes vs-ssh.visualstudio.com.',
      },
      privateKey: {
        kind: SSH_KEY,
        describe:
          'The private key, without a passphrase: one made for submodules, not your own. Or `{$agent: SSH_AUTH_SOCK, publicKey: …}`, a key that your ssh-agent holds.',
      },
      repositories: {
        kind: REPOSITORIES,
        optional: true,
        describe:
          'Patterns `PROJECT/REPOSITORY`, `*` for any run of characters. Default: all of the organizations.',
      },
      knownHosts: {
        kind: TEXT,
        optional: true,
        describe:
          'The host’s keys, lines as in OpenSSH’s known_hosts, with patterns. Default: built in for Azure DevOps.',
      },
    }),
    optional: true,
    describe: 'SSH keys that are used for submodules only.',
  },
  ssh: {
    kind: section({
      proxyCommand: {
        kind: unless('none', TEXT),
        default: 'none',
        describe: 'A command whose standard streams lead to the ssh host, as OpenSSH’s ProxyCommand.',
      },
      keyHolder: {
        kind: ANYTHING,
        removed: {
          message: 'a submodule key can be in your own ssh-agent instead',
          hint: 'delete keyHolder; for a key in an ssh-agent write privateKey: {$agent: SSH_AUTH_SOCK, publicKey: …}',
        },
        describe: 'Removed: use `$agent` in `submodules[].privateKey`.',
      },
    }),
    describe: 'How ssh hosts are reached.',
  },
  metrics: {
    kind: section({
      listen: {
        kind: unless('off', LISTEN),
        default: 'off',
        describe: 'Where Prometheus finds the metrics: `127.0.0.1:9464`, or the absolute path of a socket.',
      },
    }),
    describe: 'Metrics.',
  },
  audit: {
    kind: section({
      maxSize: {
        kind: SIZE,
        default: '10MiB',
        describe: 'A new audit file is begun at this size. Each scoped socket has files of its own.',
      },
      files: {
        kind: wholeNumber(1, 1000),
        default: 5,
        describe: 'How many audit files are kept, of each scoped socket as well.',
      },
      days: {
        kind: unless('unlimited', wholeNumber(1, 3650)),
        default: 'unlimited',
        describe:
          'How long lines are kept. Older files are removed, and `orgkey status` warns if `maxSize` and `files` leave no room for so many days.',
      },
      required: {
        kind: FLAG,
        default: false,
        describe: 'No credential is handed out that cannot be recorded. Git waits for the disk then.',
      },
      journal: {
        kind: FLAG,
        default: false,
        describe: 'Lines are copied to the journal of systemd, too, with the identifier `orgkey-audit`.',
      },
    }),
    describe: 'The record of every credential that was handed out.',
  },
} satisfies Keys;

export type OrgkeyValues = ValuesOf<typeof ORGKEY>;

/** The name of the host that credentials are for if they name none. */
export const HOST = {
  kind: text({expected: 'a host name', example: 'server.example.org', value: (found) => found}),
  default: SERVICES_HOST,
  describe:
    '`dev.azure.com`, `{organization}.visualstudio.com`, the host of an Azure DevOps Server (with its virtual directory, if it has one other than `tfs`: `server.example.org/devops`), or `*` for every other host.',
};
