import test from 'ava';
import * as fc from '../helpers/any.ts';
import {Bindings} from '../../src/identity/bindings.ts';
import {ownerOf} from '../../src/organization/owner.ts';
import {RequestError, parseRequest, type Request} from '../../src/protocol/request.ts';
import {identityNamed, patNamed} from '../helpers/fake-issuer.ts';
import {hostileRequests} from './hostile-requests.ts';

/** All together; for longer runs the variable sets another number. */
const RUNS = Number(process.env['ORGKEY_FUZZ_RUNS'] ?? 1_000_000);

const bindings = new Bindings([
  {identity: identityNamed('contoso'), host: 'dev.azure.com', organizations: ['contoso'], place: 'test'},
  {identity: identityNamed('fallback'), host: 'dev.azure.com', organizations: [], place: 'test'},
  {identity: patNamed('server'), host: 'azure.example.org', organizations: [], place: 'test'},
]);

/** Written from the documents alone, to be compared with what the code does. */
const hostsOnTheList =
  /^(?:(?:pkgs\.)?dev\.azure\.com|[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?(?:\.pkgs)?\.visualstudio\.com|azure\.example\.org)(?::443)?$/i;

const anyBytes = fc.uint8Array({maxLength: 300});

/** Whatever is near to something that matters. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'dev',
      '.',
      'azure',
      'com',
      'visualstudio',
      'pkgs',
      'contoso',
      'vs-ssh',
      'tfs',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ':',
      '443',
      '@',
      '/',
      '\\',
      '%2e',
      '%2f',
      '..',
      '?',
      '#',
      '[',
      ']',
      '-',
      '_',
      ' ',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\r', '\0', '\t', '\u2028', '\u00ad', '。', '\u212a', '\u0130', '\ufeff', '='),
  },
  {weight: 1, arbitrary: fc.string({unit: 'binary', maxLength: 3})},
);
const text = fc.array(piece, {maxLength: 8}).map((pieces) => pieces.join(''));
const host = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'dev.azure.com',
      'pkgs.dev.azure.com',
      'contoso.visualstudio.com',
      'azure.example.org',
    ),
  },
  {weight: 2, arbitrary: text},
  {
    weight: 2,
    arbitrary: fc
      .tuple(text, fc.constantFrom('dev.azure.com', '.visualstudio.com'), text)
      .map((all) => all.join('')),
  },
);
const line = fc.oneof(
  {weight: 4, arbitrary: host.map((value) => `host=${value}`)},
  {weight: 3, arbitrary: fc.constantFrom('protocol=https', 'protocol=https', 'protocol=http')},
  {weight: 3, arbitrary: text.map((value) => `path=${value}`)},
  {weight: 1, arbitrary: text.map((value) => `username=${value}`)},
  {weight: 1, arbitrary: fc.tuple(text, text).map(([key, value]) => `${key}=${value}`)},
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'url=https://dev.azure.com/contoso',
      'authtype=',
      'capability[]=authtype',
      'operation=store',
    ),
  },
);
const requestLike = fc
  .tuple(
    fc.constantFrom(
      'action=get\ntimeout=900\n',
      'action=get\ntimeout=900\n',
      'action=erase\ntimeout=0\n',
      'action=get\n',
    ),
    fc.uniqueArray(line, {maxLength: 6, selector: (value) => value.slice(0, value.indexOf('='))}),
    fc.constantFrom('\n', '\n', '\n\n', '', '\r\n'),
  )
  .map(([head, lines, end]) => Buffer.from(head + lines.join('\n') + end));

/** One of the table, with some of its bytes changed, left out or doubled. */
const nearHostile = fc
  .tuple(
    fc.constantFrom(...hostileRequests.map(({bytes}) => bytes).filter(({length}) => length < 1000)),
    fc.array(fc.tuple(fc.nat(), fc.nat({max: 255}), fc.constantFrom('change', 'drop', 'double')), {
      maxLength: 3,
    }),
  )
  .map(([bytes, changes]) => {
    const mutated = [...bytes];
    for (const [where, byte, how] of changes) {
      const at = where % Math.max(1, mutated.length);
      if (how === 'change') mutated[at] = byte;
      else if (how === 'drop') mutated.splice(at, 1);
      else mutated.splice(at, 0, ...mutated.slice(at, at + 10));
    }
    return Uint8Array.from(mutated);
  });

const answered = new Map<string, number>();

for (const [what, bytes, share] of [
  ['bytes', anyBytes, 0.2],
  ['what looks like a request', requestLike, 0.5],
  ['what is near to a hostile request', nearHostile, 0.3],
] as const) {
  test(`${what}: read or refused, and answered for hosts on the list only`, (t) => {
    const property = fc.property(bytes, (request) => check(request));
    t.notThrows(() => fc.assert(property, {numRuns: Math.ceil(RUNS * share)}));
  });
}

test.after('some of them were answered, or nothing was tried', (t) => {
  t.true((answered.get('contoso') ?? 0) > 100);
  t.true((answered.get('fallback') ?? 0) > 100);
  t.true((answered.get('server') ?? 0) > 100);
});

function check(bytes: Uint8Array): void {
  let request: Request;
  try {
    request = parseRequest(bytes);
  } catch (error) {
    if (error instanceof RequestError) return;
    throw new Error('something else than a RequestError was thrown', {cause: error});
  }
  if (!('remote' in request)) return;
  const {remote} = request;
  const choice = bindings.choose(ownerOf(remote, bindings.serversAt));
  if (choice.kind === 'none') return;
  const {key} = choice.binding.identity;
  answered.set(key, (answered.get(key) ?? 0) + 1);
  if (remote.protocol !== 'https') throw new Error('answered without https');
  if (!hostsOnTheList.test(remote.host) || !/^[\x20-\x7e]*$/.test(remote.host))
    throw new Error(`answered for ${remote.host}`);
  if (key === 'contoso' && !namesContoso(remote)) throw new Error('contoso’s was given to somebody else');
  if ((key === 'server') !== /^azure\.example\.org/i.test(remote.host))
    throw new Error('a server’s was given elsewhere');
  const text = Buffer.from(bytes).toString('latin1').split('\n\n')[0] ?? '';
  if (/[\r\0]/.test(text)) throw new Error('a line with a carriage return or a NUL was read');
}

function namesContoso({
  host,
  path,
  username,
}: {
  host: string;
  path: string | undefined;
  username: string | undefined;
}): boolean {
  if (/^contoso\./i.test(host)) return true;
  return path === undefined ? /^contoso$/i.test(username ?? '') : /^contoso(?:\/|$)/i.test(path);
}
