/**
 * Requests as bytes, and who gets whose token for them. Configured are, on dev.azure.com: `contoso`, `labs`
 * (Contoso-Labs), `short` (a), `long` (50 times o) and `fallback`; on azure.example.org: `collections`
 * (DefaultCollection, Project Collection.1_x, kilo) and `server` as fallback; on tfs.example.org:8443: `team` (Team).
 */
export interface HostileRequest {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly who: Who;
}

export type Who =
  | 'nothing'
  | 'contoso'
  | 'labs'
  | 'short'
  | 'long'
  | 'fallback'
  | 'collections'
  | 'server'
  | 'team'
  /** A store or an erase that was heard. */
  | 'done'
  | 'hello'
  | 'grant';

type Row = readonly [title: string, request: string | Uint8Array, who: Who];

const utf8 = new TextEncoder();
const head = 'action=get\ntimeout=900\n';
const azure = 'protocol=https\nhost=dev.azure.com\n';
const contoso = `${azure}path=contoso/p/_git/r\n`;
const KIB = 1024;

/** A get with these lines. */
function get(...lines: readonly string[]): string {
  return head + lines.map((line) => `${line}\n`).join('');
}

/** A get of contoso's repository at this host. */
function at(host: string, path = 'contoso/p/_git/r'): string {
  return get('protocol=https', `host=${host}`, `path=${path}`);
}

/** A get at dev.azure.com with this path. */
function path(text: string, ...lines: readonly string[]): string {
  return get('protocol=https', 'host=dev.azure.com', `path=${text}`, ...lines);
}

/** Returns a valid get with bytes that are not text in it. */
function raw(before: string, bytes: readonly number[], after: string): Uint8Array {
  return Buffer.concat([utf8.encode(before), Uint8Array.from(bytes), utf8.encode(after)]);
}

/** A sound get of contoso's, filled up to this many bytes. */
function filled(size: number): string {
  const start = `${head}${contoso}wwwauth[]=`;
  return `${start}${'x'.repeat(size - start.length - 1)}\n`;
}

/** So many lines `key0=`, `key1=` … */
function keys(count: number): string {
  return Array.from({length: count}, (_, index) => `key${index}=x\n`).join('');
}

const sound: readonly Row[] = [
  ['a repository of an organization', head + contoso, 'contoso'],
  ['another one', at('dev.azure.com', 'contoso-labs/p/_git/r'), 'labs'],
  ['the organization alone', path('contoso'), 'contoso'],
  ['a slash at the end', path('contoso/'), 'contoso'],
  ['a name in capitals', path('CONTOSO/p/_git/r'), 'contoso'],
  ['a host in capitals', at('DEV.Azure.COM'), 'contoso'],
  ['the default port', at('dev.azure.com:443'), 'contoso'],
  ['the host of artifacts', at('pkgs.dev.azure.com', 'contoso/_packaging/f/npm'), 'contoso'],
  ['the host of artifacts with its port', at('pkgs.dev.azure.com:443', 'contoso/_packaging/f'), 'contoso'],
  ['the old host', at('contoso.visualstudio.com', 'p/_git/r'), 'contoso'],
  ['the old host in capitals', at('CONTOSO.VisualStudio.com', 'p/_git/r'), 'contoso'],
  ['the old host with its port', at('contoso.visualstudio.com:443', 'p/_git/r'), 'contoso'],
  ['the old host of artifacts', at('contoso.pkgs.visualstudio.com', '_packaging/f'), 'contoso'],
  ['the old host without a path', get('protocol=https', 'host=contoso.visualstudio.com'), 'contoso'],
  ['an organization that is not configured', path('unnamed/p/_git/r'), 'fallback'],
  [
    'an old host of an organization that is not configured',
    at('unnamed.visualstudio.com', 'p/_git/r'),
    'fallback',
  ],
  ['attributes in another order', get('path=contoso/p', 'host=dev.azure.com', 'protocol=https'), 'contoso'],
  [
    'what the newest git announces',
    head + contoso + 'capability[]=state\nwwwauth[]=Basic realm="x"\n',
    'contoso',
  ],
  ['a negative timeout', `action=get\ntimeout=-1\n${contoso}`, 'contoso'],
  ['a blank line at the end', `${head}${contoso}\n`, 'contoso'],
  ['a space in the project', path('contoso/My Project/_git/r'), 'contoso'],
  ['letters of all kinds in the project', path('contoso/Ärger 日本/_git/r'), 'contoso'],
];

const otherHosts: readonly Row[] = [
  ['a name that goes on', at('dev.azure.com.evil.example'), 'nothing'],
  ['a name that goes on without a dot', at('dev.azure.comevil.example'), 'nothing'],
  ['a name that begins earlier', at('evil-dev.azure.com'), 'nothing'],
  ['a name that begins earlier, without a hyphen', at('evildev.azure.com'), 'nothing'],
  ['a label below the host', at('evil.dev.azure.com'), 'nothing'],
  ['the ssh host', at('ssh.dev.azure.com'), 'nothing'],
  ['another service of Azure DevOps', at('vssps.dev.azure.com'), 'nothing'],
  ['a label below the host of artifacts', at('evil.pkgs.dev.azure.com'), 'nothing'],
  ['the domain alone', at('azure.com'), 'nothing'],
  ['another domain of the same end', at('dev.azure.com.br'), 'nothing'],
  ['another top level', at('dev.azure.co'), 'nothing'],
  ['a hyphen for a dot', at('dev-azure.com'), 'nothing'],
  ['a host in front of an at sign', at('dev.azure.com@evil.example'), 'nothing'],
  ['a host behind an at sign', at('evil.example@dev.azure.com'), 'nothing'],
  ['a user name within the host', at('contoso@dev.azure.com'), 'nothing'],
  ['a user name and a password within the host', at('contoso:x@dev.azure.com'), 'nothing'],
  ['a path within the host', at('evil.example/dev.azure.com'), 'nothing'],
  ['a path behind the host', at('dev.azure.com/contoso'), 'nothing'],
  ['a query within the host', at('evil.example?dev.azure.com'), 'nothing'],
  ['a fragment within the host', at('evil.example#dev.azure.com'), 'nothing'],
  ['a fragment behind the host', at('dev.azure.com#'), 'nothing'],
  ['a backslash within the host', at('evil.example\\dev.azure.com'), 'nothing'],
  ['a backslash behind the host', at('dev.azure.com\\@evil.example'), 'nothing'],
  ['ideographic full stops', at('dev。azure。com'), 'nothing'],
  ['fullwidth full stops', at('dev．azure．com'), 'nothing'],
  ['halfwidth ideographic full stops', at('dev｡azure｡com'), 'nothing'],
  ['fullwidth letters', at('ｄｅｖ.azure.com'), 'nothing'],
  ['a soft hyphen', at('dev.az\u00adure.com'), 'nothing'],
  ['a zero-width space', at('dev.az\u200bure.com'), 'nothing'],
  ['a zero-width joiner', at('dev.az\u200dure.com'), 'nothing'],
  ['a byte order mark in front', at('\ufeffdev.azure.com'), 'nothing'],
  ['a right-to-left mark', at('dev.azure.com\u200f'), 'nothing'],
  ['a tab within', at('dev.az\ture.com'), 'nothing'],
  ['a tab behind', at('dev.azure.com\t'), 'nothing'],
  ['a blank in front', at(' dev.azure.com'), 'nothing'],
  ['a blank behind', at('dev.azure.com '), 'nothing'],
  ['a no-break space behind', at('dev.azure.com\u00a0'), 'nothing'],
  ['a form feed behind', at('dev.azure.com\f'), 'nothing'],
  ['a vertical tab behind', at('dev.azure.com\v'), 'nothing'],
  ['a Cyrillic letter', at('dev.аzure.com'), 'nothing'],
  ['a long s', at('contoſo.visualstudio.com', 'p/_git/r'), 'nothing'],
  ['a Kelvin sign at a server', at('azure.example.org', '\u212ailo/p/_git/r'), 'server'],
  ['a Kelvin sign within a host', at('p\u212ags.dev.azure.com', 'contoso/_packaging/f'), 'nothing'],
  ['punycode', at('xn--dev-azure.com'), 'nothing'],
  ['percent-encoded dots', at('dev%2eazure%2ecom'), 'nothing'],
  ['percent-encoded letters', at('%64ev.azure.com'), 'nothing'],
  ['a dot behind', at('dev.azure.com.'), 'nothing'],
  ['a dot and the port behind', at('dev.azure.com.:443'), 'nothing'],
  ['a dot behind the old host', at('contoso.visualstudio.com.', 'p/_git/r'), 'nothing'],
  ['a dot in front', at('.dev.azure.com'), 'nothing'],
  ['two dots', at('dev..azure.com'), 'nothing'],
  ['another port', at('dev.azure.com:8443'), 'nothing'],
  ['port 80', at('dev.azure.com:80'), 'nothing'],
  ['a port with a zero in front', at('dev.azure.com:0443'), 'nothing'],
  ['the port twice', at('dev.azure.com:443:443'), 'nothing'],
  ['no port behind the colon', at('dev.azure.com:'), 'nothing'],
  ['a port of letters', at('dev.azure.com:https'), 'nothing'],
  ['a port that ends in an at sign', at('dev.azure.com:443@evil.example'), 'nothing'],
  ['a negative port', at('dev.azure.com:-443'), 'nothing'],
  ['another port of artifacts', at('pkgs.dev.azure.com:8443'), 'nothing'],
  ['an IPv6 address', at('[::1]'), 'nothing'],
  ['an IPv6 address with a port', at('[::1]:443'), 'nothing'],
  ['the host in brackets', at('[dev.azure.com]'), 'nothing'],
  ['an IPv4 address', at('127.0.0.1'), 'nothing'],
  ['a port alone', at(':443'), 'nothing'],
  ['a wildcard', at('*'), 'nothing'],
  ['a wildcard below the domain', at('*.visualstudio.com', 'contoso/p'), 'nothing'],
  ['two hosts', at('dev.azure.com,evil.example'), 'nothing'],
  ['quotes around the host', at('"dev.azure.com"'), 'nothing'],
  ['a host of 60 KiB', at(`${'a'.repeat(60 * KIB)}.dev.azure.com`), 'nothing'],
];

const oldHosts: readonly Row[] = [
  ['the old ssh host', at('vs-ssh.visualstudio.com', 'contoso/p/_git/r'), 'nothing'],
  ['the old ssh host in capitals', at('VS-SSH.visualstudio.com', 'contoso/p'), 'nothing'],
  ['the old ssh host of artifacts', at('vs-ssh.pkgs.visualstudio.com', 'contoso/p'), 'nothing'],
  ['no label', at('.visualstudio.com', 'contoso/p'), 'nothing'],
  ['the old domain alone', at('visualstudio.com', 'contoso/p'), 'nothing'],
  ['two labels', at('evil.contoso.visualstudio.com', 'p/_git/r'), 'nothing'],
  ['two labels, ours first', at('contoso.evil.visualstudio.com', 'p/_git/r'), 'nothing'],
  ['no label of artifacts', at('pkgs.visualstudio.com', 'contoso/p'), 'nothing'],
  ['two labels of artifacts', at('evil.contoso.pkgs.visualstudio.com', 'p'), 'nothing'],
  ['artifacts twice', at('contoso.pkgs.pkgs.visualstudio.com', 'p'), 'nothing'],
  ['a label that goes on', at('contoso.visualstudio.com.evil.example', 'p'), 'nothing'],
  ['a domain that begins earlier', at('contoso.evilvisualstudio.com', 'p'), 'nothing'],
  ['a hyphen for the dot', at('contoso-visualstudio.com', 'p'), 'nothing'],
  ['a label with an underscore', at('con_toso.visualstudio.com', 'contoso/p'), 'nothing'],
  ['a label with a hyphen in front', at('-contoso.visualstudio.com', 'contoso/p'), 'nothing'],
  ['a label with a hyphen behind', at('contoso-.visualstudio.com', 'contoso/p'), 'nothing'],
  ['a label of 51 letters', at(`${'o'.repeat(51)}.visualstudio.com`, 'contoso/p'), 'nothing'],
  ['another port at the old host', at('contoso.visualstudio.com:8443', 'p'), 'nothing'],
  ['the label counts, not the path', at('unnamed.visualstudio.com', 'contoso/p/_git/r'), 'fallback'],
  [
    'the label counts, not the user name',
    get('protocol=https', 'host=unnamed.visualstudio.com', 'username=contoso'),
    'fallback',
  ],
  [
    'an empty path at the old host',
    get('protocol=https', 'host=contoso.visualstudio.com', 'path='),
    'nothing',
  ],
  ['dots in the path at the old host', at('contoso.visualstudio.com', '../x'), 'nothing'],
];

const servers: readonly Row[] = [
  ['a collection', at('azure.example.org', 'DefaultCollection/p/_git/r'), 'collections'],
  ['a collection, whatever its case', at('AZURE.example.org', 'defaultCOLLECTION/p'), 'collections'],
  ['a collection below tfs', at('azure.example.org', 'tfs/DefaultCollection/p'), 'collections'],
  ['a collection below TFS', at('azure.example.org', 'TFS/DefaultCollection/p'), 'collections'],
  ['blanks, dots and underscores', at('azure.example.org', 'Project Collection.1_x/p'), 'collections'],
  ['the default port', at('azure.example.org:443', 'DefaultCollection/p'), 'collections'],
  ['a collection that is not configured', at('azure.example.org', 'Other/p/_git/r'), 'server'],
  ['below tfs twice', at('azure.example.org', 'tfs/tfs/DefaultCollection'), 'server'],
  ['tfs alone', at('azure.example.org', 'tfs'), 'server'],
  ['no path', get('protocol=https', 'host=azure.example.org'), 'server'],
  [
    'no path but a user name',
    get('protocol=https', 'host=azure.example.org', 'username=DefaultCollection'),
    'server',
  ],
  ['the collection of another server', at('tfs.example.org:8443', 'DefaultCollection/p'), 'nothing'],
  ['a server with a port', at('tfs.example.org:8443', 'tfs/Team/p/_git/r'), 'team'],
  ['that server without its port', at('tfs.example.org', 'tfs/Team/p/_git/r'), 'nothing'],
  ['that server with another port', at('tfs.example.org:8444', 'tfs/Team/p/_git/r'), 'nothing'],
  ['that server without a path', get('protocol=https', 'host=tfs.example.org:8443'), 'nothing'],
  ['a server with another port', at('azure.example.org:8443', 'DefaultCollection/p'), 'nothing'],
  ['a label below a server', at('evil.azure.example.org', 'DefaultCollection/p'), 'nothing'],
  ['a server that goes on', at('azure.example.org.evil.example', 'DefaultCollection'), 'nothing'],
  ['a dot behind a server', at('azure.example.org.', 'DefaultCollection/p'), 'nothing'],
  ['dots below tfs', at('azure.example.org', 'tfs/../DefaultCollection/p'), 'nothing'],
  ['dots as a collection', at('azure.example.org', '../DefaultCollection'), 'nothing'],
  ['a backslash in a collection', at('azure.example.org', 'DefaultCollection\\p'), 'nothing'],
  ['a percent sign in a collection', at('azure.example.org', 'Default%43ollection/p'), 'nothing'],
  ['a query behind a collection', at('azure.example.org', 'DefaultCollection?x/p'), 'nothing'],
  ['an escape in a collection', at('azure.example.org', '\u001b[2J/p'), 'nothing'],
  ['an empty path at a server', get('protocol=https', 'host=azure.example.org', 'path='), 'nothing'],
  ['a server by http', get('protocol=http', 'host=azure.example.org', 'path=DefaultCollection'), 'nothing'],
];

const organizations: readonly Row[] = [
  ['a name of one letter', path('a/p/_git/r'), 'short'],
  ['a name of fifty letters', path(`${'o'.repeat(50)}/p`), 'long'],
  ['a name of fifty-one letters', path(`${'o'.repeat(51)}/p`), 'nothing'],
  ['a hyphen within', path('Contoso-Labs/p'), 'labs'],
  ['a hyphen in front', path('-contoso/p'), 'nothing'],
  ['a hyphen behind', path('contoso-/p'), 'nothing'],
  ['an underscore', path('con_toso/p'), 'nothing'],
  ['a dot within', path('con.toso/p'), 'nothing'],
  ['a dot behind', path('contoso./p'), 'nothing'],
  ['a blank behind', path('contoso /p'), 'nothing'],
  ['a blank in front', path(' contoso/p'), 'nothing'],
  ['a letter that is not ASCII', path('contosö/p'), 'nothing'],
  ['a Kelvin sign', path('\u212aontoso/p'), 'nothing'],
  ['a dotted capital I', path('contoso\u0130/p'), 'nothing'],
  ['a byte order mark', path('\ufeffcontoso/p'), 'nothing'],
  ['a line separator', path('contoso\u2028/p'), 'nothing'],
  ['an at sign', path('contoso@evil/p'), 'nothing'],
  ['a colon', path('contoso:x/p'), 'nothing'],
  ['a question mark', path('contoso?/p'), 'nothing'],
  ['a name that goes on', path('contosolabs/p'), 'fallback'],
  ['a name that is a property of every object', path('constructor/p'), 'fallback'],
  ['the name of a prototype', path('__proto__/p'), 'nothing'],
];

const paths: readonly Row[] = [
  ['one dot for a segment', path('./contoso/p'), 'nothing'],
  ['two dots for a segment', path('evil/../contoso/p'), 'nothing'],
  ['two dots behind the organization', path('contoso/../evil/p'), 'nothing'],
  ['one dot behind the organization', path('contoso/./p'), 'nothing'],
  ['two dots at the end', path('contoso/..'), 'nothing'],
  ['a slash in front', path('/contoso/p'), 'nothing'],
  ['two slashes in front', path('//contoso/p'), 'nothing'],
  ['two slashes within', path('contoso//p'), 'nothing'],
  ['two slashes at the end', path('contoso//'), 'nothing'],
  ['a slash alone', path('/'), 'nothing'],
  ['an encoded slash', path('contoso%2fp'), 'nothing'],
  ['encoded dots', path('%2e%2e/contoso/p'), 'nothing'],
  ['an encoded letter', path('%63ontoso/p'), 'nothing'],
  ['an encoded line feed', path('contoso%0ahost=evil'), 'nothing'],
  ['a backslash', path('contoso\\p'), 'nothing'],
  ['a backslash in front', path('\\contoso/p'), 'nothing'],
  ['a whole URL', path('https://dev.azure.com/contoso/p'), 'nothing'],
  ['three dots are a name', path('contoso/.../p'), 'contoso'],
  ['encoded dots behind the organization stay as they are', path('contoso/%2e%2e/evil'), 'contoso'],
];

const missing: readonly Row[] = [
  ['no path', head + azure, 'fallback'],
  ['no path, a user name', `${head}${azure}username=contoso\n`, 'contoso'],
  ['no path, a user name in capitals', `${head}${azure}username=CONTOSO\n`, 'contoso'],
  [
    'no path, a user name that is not an organization',
    `${head}${azure}username=me@example.org\n`,
    'fallback',
  ],
  ['no path, an empty user name', `${head}${azure}username=\n`, 'fallback'],
  ['a path goes before a user name', path('unnamed/p', 'username=contoso'), 'fallback'],
  [
    'a path goes before a user name, the other way round',
    path('contoso/p', 'username=contoso-labs'),
    'contoso',
  ],
  ['an empty path goes before a user name', path('', 'username=contoso'), 'nothing'],
  ['a path of dots goes before a user name', path('..', 'username=contoso'), 'nothing'],
  ['an empty path', path(''), 'nothing'],
  ['no host', get('protocol=https', 'path=contoso/p'), 'nothing'],
  ['an empty host', at(''), 'nothing'],
  ['no protocol', get('host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  ['an empty protocol', get('protocol=', 'host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  ['http', get('protocol=http', 'host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  [
    'http with the port of https',
    get('protocol=http', 'host=dev.azure.com:443', 'path=contoso/p'),
    'nothing',
  ],
  ['HTTPS in capitals', get('protocol=HTTPS', 'host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  ['a protocol that goes on', get('protocol=https2', 'host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  ['a protocol with its colon', get('protocol=https:', 'host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  ['a blank behind the protocol', get('protocol=https ', 'host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  ['ssh', get('protocol=ssh', 'host=dev.azure.com', 'path=contoso/p'), 'nothing'],
  ['nothing at all', '', 'nothing'],
  ['a line feed alone', '\n', 'nothing'],
  ['no attribute', head, 'nothing'],
];

const lines: readonly Row[] = [
  [
    'a carriage return in front of a line feed',
    `${head}protocol=https\r\nhost=dev.azure.com\npath=contoso\n`,
    'nothing',
  ],
  ['Windows line ends throughout', (head + contoso).replaceAll('\n', '\r\n'), 'nothing'],
  [
    'a bare carriage return',
    `${head}protocol=https\nhost=evil.example\rhost=dev.azure.com\npath=contoso\n`,
    'nothing',
  ],
  ['a carriage return in a path', path('contoso/\rp'), 'nothing'],
  ['a carriage return in a user name', path('contoso/p', 'username=x\r'), 'nothing'],
  ['a carriage return in an unknown key', path('contoso/p', 'other=x\ry'), 'nothing'],
  ['a carriage return for the blank line', `${head}${contoso}\r\n`, 'nothing'],
  ['a line separator in a host', at('evil.example\u2028host=dev.azure.com'), 'nothing'],
  ['a paragraph separator in a host', at('evil.example\u2029host=dev.azure.com'), 'nothing'],
  ['a next-line character in a host', at('evil.example\u0085host=dev.azure.com'), 'nothing'],
  ['a NUL in a host', at('dev.azure.com\0.evil.example'), 'nothing'],
  ['a NUL in a path', path('contoso\0/p'), 'nothing'],
  ['a NUL in an unknown key', path('contoso/p', 'other=\0'), 'nothing'],
  ['no line feed at the end', (head + contoso).slice(0, -1), 'nothing'],
  ['no line feed behind a host', `${head}path=contoso\nprotocol=https\nhost=dev.azure.com`, 'nothing'],
  ['a line without an equals sign', `${head}${contoso}quit\n`, 'nothing'],
  ['a line of blanks', `${head}${contoso} \n`, 'nothing'],
  ['an equals sign alone', `${head}${contoso}=\n`, 'nothing'],
  ['no key', `${head}${contoso}=x\n`, 'nothing'],
  ['a blank in front of a key', `${head}protocol=https\n host=dev.azure.com\npath=contoso\n`, 'nothing'],
  ['a blank behind a key', `${head}protocol=https\nhost =dev.azure.com\npath=contoso\n`, 'nothing'],
  ['a key in capitals', `${head}protocol=https\nHost=dev.azure.com\npath=contoso\n`, 'nothing'],
  ['a capital in an unknown key', `${head}${contoso}Other=x\n`, 'nothing'],
  ['a hyphen in a key', `${head}${contoso}orgkey-hint=x\n`, 'nothing'],
  ['a digit in front of a key', `${head}${contoso}1key=x\n`, 'nothing'],
  ['brackets within a key', `${head}${contoso}wwwauth[0]=x\n`, 'nothing'],
  ['one bracket', `${head}${contoso}wwwauth[=x\n`, 'nothing'],
  ['a letter that is not ASCII in a key', `${head}${contoso}höst=x\n`, 'nothing'],
  ['a key of 64 letters', `${head}${contoso}${'k'.repeat(64)}=x\n`, 'contoso'],
  ['a key of 65 letters', `${head}${contoso}${'k'.repeat(65)}=x\n`, 'nothing'],
  ['an unknown key', path('contoso/p', 'other=x'), 'contoso'],
  ['an unknown list', path('contoso/p', 'other[]=x', 'other[]=y'), 'contoso'],
  ['an equals sign in a value', path('contoso/p=q'), 'contoso'],
  ['what follows a blank line', `${head}${contoso}\nhost=evil.example\nno line\r\0`, 'contoso'],
  ['a host behind the blank line', `${head}protocol=https\npath=contoso\n\nhost=dev.azure.com\n`, 'nothing'],
  ['a blank line in front', `\n${head}${contoso}`, 'nothing'],
  ['a blank line behind the head', `${head}\n${contoso}`, 'nothing'],
];

const twice: readonly Row[] = [
  ['two hosts, ours first', `${head}${contoso}host=evil.example\n`, 'nothing'],
  ['two hosts, ours last', `${head}host=evil.example\n${contoso}`, 'nothing'],
  ['the same host twice', `${head}${contoso}host=dev.azure.com\n`, 'nothing'],
  ['two protocols', `${head}${contoso}protocol=https\n`, 'nothing'],
  ['two paths', `${head}${contoso}path=contoso-labs/p\n`, 'nothing'],
  ['two user names', path('contoso/p', 'username=a', 'username=b'), 'nothing'],
  ['two actions', `${head}action=get\n${contoso}`, 'nothing'],
  ['two timeouts', `${head}timeout=1\n${contoso}`, 'nothing'],
  ['an unknown key twice', path('contoso/p', 'other=x', 'other=x'), 'nothing'],
  ['a URL', `${head}url=https://dev.azure.com/contoso/p\n`, 'nothing'],
  ['a URL that overrules the parts', `${head}${contoso}url=https://evil.example/x\n`, 'nothing'],
  ['an empty URL', `${head}${contoso}url=\n`, 'nothing'],
  ['a host as a list', `${head}protocol=https\nhost[]=dev.azure.com\npath=contoso\n`, 'nothing'],
  ['a host as a list beside the host', `${head}${contoso}host[]=evil.example\n`, 'contoso'],
];

const sizes: readonly Row[] = [
  ['64 KiB', filled(64 * KIB), 'contoso'],
  ['64 KiB and a byte', filled(64 * KIB + 1), 'nothing'],
  ['64 KiB and a byte behind the blank line', `${head}${contoso}\n`.padEnd(64 * KIB + 1, 'x'), 'nothing'],
  ['64 keys', head + contoso + keys(64 - 5), 'contoso'],
  ['65 keys', head + contoso + keys(65 - 5), 'nothing'],
  ['32 values', head + contoso + 'wwwauth[]=x\n'.repeat(32), 'contoso'],
  ['33 values', head + contoso + 'wwwauth[]=x\n'.repeat(33), 'contoso'],
  ['33 values of an unknown list', head + contoso + 'other[]=x\n'.repeat(33), 'contoso'],
  ['33 values for another host', `${at('evil.example')}${'state[]=x\n'.repeat(33)}`, 'nothing'],
  ['64 KiB of line feeds', '\n'.repeat(64 * KIB), 'nothing'],
  ['64 KiB of NULs', new Uint8Array(64 * KIB), 'nothing'],
  ['a path of 60 KiB', path(`contoso/${'x/'.repeat(30 * KIB)}`), 'contoso'],
];

const heads: readonly Row[] = [
  ['no action', `timeout=900\n${contoso}`, 'nothing'],
  ['no timeout', `action=get\n${contoso}`, 'nothing'],
  ['the timeout first', `timeout=900\naction=get\n${contoso}`, 'nothing'],
  ['something in front', `x=y\n${head}${contoso}`, 'nothing'],
  ['something in between', `action=get\nx=y\ntimeout=900\n${contoso}`, 'nothing'],
  ['the head behind', `${contoso}${head}`, 'nothing'],
  ['a timeout of letters', `action=get\ntimeout=soon\n${contoso}`, 'nothing'],
  ['an empty timeout', `action=get\ntimeout=\n${contoso}`, 'nothing'],
  ['a timeout with a sign', `action=get\ntimeout=+900\n${contoso}`, 'nothing'],
  ['a timeout with a point', `action=get\ntimeout=1.5\n${contoso}`, 'nothing'],
  ['a timeout with an exponent', `action=get\ntimeout=1e3\n${contoso}`, 'nothing'],
  ['a hexadecimal timeout', `action=get\ntimeout=0x10\n${contoso}`, 'nothing'],
  ['a timeout of 30 digits', `action=get\ntimeout=${'9'.repeat(30)}\n${contoso}`, 'nothing'],
  ['an empty action', `action=\ntimeout=900\n${contoso}`, 'nothing'],
  ['an action in capitals', `action=GET\ntimeout=900\n${contoso}`, 'nothing'],
  ['a blank behind the action', `action=get \ntimeout=900\n${contoso}`, 'nothing'],
  ['git says exit', 'action=exit\ntimeout=900\n', 'nothing'],
  ['git says exit, with a remote', `action=exit\ntimeout=900\n${contoso}`, 'nothing'],
  ['an action that does not exist', `action=capability\ntimeout=900\n${contoso}`, 'nothing'],
  ['an operation that does not exist', path('contoso/p', 'operation=approve'), 'nothing'],
  ['get as an operation', path('contoso/p', 'operation=get'), 'nothing'],
  ['erase as an operation', path('contoso/p', 'operation=erase'), 'nothing'],
  ['an empty operation', path('contoso/p', 'operation='), 'nothing'],
  ['a client asks who listens', 'action=hello\ntimeout=0\nnonce=x\n', 'hello'],
  ['hello has no line of its own for a timeout', 'action=hello\nnonce=x\n', 'nothing'],
];

const bytes: readonly Row[] = [
  ['a path that is not UTF-8', raw(`${head}${azure}path=contoso/`, [0xff], '\n'), 'nothing'],
  ['a path of an overlong slash', raw(`${head}${azure}path=contoso`, [0xc0, 0xaf], 'p\n'), 'nothing'],
  ['a path that is cut within a letter', raw(`${head}${azure}path=contoso/`, [0xe2, 0x82], '\n'), 'nothing'],
  ['half a surrogate pair', raw(`${head}${azure}path=contoso/`, [0xed, 0xa0, 0x80], '\n'), 'nothing'],
  [
    'a host that is not UTF-8',
    raw(`${head}protocol=https\nhost=dev.azure.com`, [0xff], '\npath=contoso\n'),
    'nothing',
  ],
  ['a user name that is not UTF-8', raw(`${head}${contoso}username=`, [0xe9], '\n'), 'nothing'],
  ['an action that is not UTF-8', raw('action=get', [0xff], `\ntimeout=900\n${contoso}`), 'nothing'],
  ['an unknown value that is not UTF-8', raw(`${head}${contoso}other=`, [0xff], '\n'), 'contoso'],
  ['a challenge that is not UTF-8', raw(`${head}${contoso}wwwauth[]=`, [0xe4], '\n'), 'contoso'],
  ['a state that is not UTF-8', raw(`${head}${contoso}state[]=`, [0xff], '\n'), 'contoso'],
  ['a capability that is not UTF-8', raw(`${head}${contoso}capability[]=authtype`, [0xff], '\n'), 'contoso'],
  [
    'an erase with a challenge that is not UTF-8',
    raw(`action=erase\ntimeout=9\n${contoso}password=y\nwwwauth[]=`, [0xe4], '\n'),
    'done',
  ],
  ['a key that is not UTF-8', raw(`${head}${contoso}oth`, [0xff], 'er=x\n'), 'nothing'],
  ['a byte order mark in front of it all', raw('', [0xef, 0xbb, 0xbf], head + contoso), 'nothing'],
  ['UTF-16', Buffer.from(head + contoso, 'utf16le'), 'nothing'],
  ['a password that is not UTF-8', raw(`action=erase\ntimeout=9\n${contoso}password=`, [0xff], '\n'), 'done'],
];

const shapes: readonly Row[] = [
  ['a store', `action=store\ntimeout=900\n${contoso}username=x\npassword=y\n`, 'done'],
  ['a store that our script sends', path('contoso/p', 'operation=store', 'username=x', 'password=y'), 'done'],
  ['a store without a password', path('contoso/p', 'operation=store'), 'done'],
  ['a store for another host', `${at('evil.example')}operation=store\npassword=y\n`, 'nothing'],
  ['a store without a host', get('operation=store', 'protocol=https', 'password=y'), 'nothing'],
  [
    'a store by http',
    get('operation=store', 'protocol=http', 'host=dev.azure.com', 'path=contoso'),
    'nothing',
  ],
  ['a store with two passwords', path('contoso/p', 'operation=store', 'password=x', 'password=y'), 'nothing'],
  ['an erase', `action=erase\ntimeout=900\n${contoso}username=x\npassword=y\n`, 'done'],
  ['an erase without anything', 'action=erase\ntimeout=900\n', 'nothing'],
  ['an erase without a password', `action=erase\ntimeout=900\n${contoso}`, 'done'],
  [
    'an erase for another host',
    'action=erase\ntimeout=900\nprotocol=https\nhost=evil.example\npassword=y\n',
    'nothing',
  ],
  ['an erase without its last line feed', `action=erase\ntimeout=900\n${contoso}password=y`, 'nothing'],
  ['an erase with a URL', `action=erase\ntimeout=900\n${contoso}url=x\n`, 'nothing'],
  [
    'an expiry that is not a number',
    path('contoso/p', 'operation=store', 'password_expiry_utc=never'),
    'done',
  ],
  [
    'a grant',
    get(
      'operation=grant',
      'destination=git@ssh.dev.azure.com',
      "command=git-upload-pack 'v3/a/b/c'",
      'directory=/tmp',
    ),
    'grant',
  ],
  [
    'a grant without a command',
    get('operation=grant', 'destination=git@ssh.dev.azure.com', 'directory=/tmp'),
    'nothing',
  ],
  [
    'a grant for port 0',
    get('operation=grant', 'destination=d', 'command=c', 'directory=/', 'port=0'),
    'nothing',
  ],
  [
    'a grant for port 65536',
    get('operation=grant', 'destination=d', 'command=c', 'directory=/', 'port=65536'),
    'nothing',
  ],
  [
    'a grant for a port of letters',
    get('operation=grant', 'destination=d', 'command=c', 'directory=/', 'port=ssh'),
    'nothing',
  ],
  [
    'a grant for an empty port',
    get('operation=grant', 'destination=d', 'command=c', 'directory=/', 'port='),
    'grant',
  ],
];

/** Every class of them. */
export const hostileRequests: readonly HostileRequest[] = Object.entries({
  sound,
  'other hosts': otherHosts,
  'old hosts': oldHosts,
  servers,
  organizations,
  paths,
  'missing parts': missing,
  lines,
  twice,
  sizes,
  heads,
  bytes,
  shapes,
}).flatMap(([kind, rows]) =>
  rows.map(([title, request, who]) => ({
    title: `${kind}: ${title}`,
    bytes: typeof request === 'string' ? utf8.encode(request) : request,
    who,
  })),
);
