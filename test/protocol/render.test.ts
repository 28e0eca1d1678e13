import test from 'ava';
import * as fc from '../helpers/any.ts';
import type {Answer} from '../../src/protocol/answer.ts';
import {parseAttributes} from '../../src/protocol/attributes.ts';
import {render} from '../../src/protocol/render.ts';
import {Secret} from '../../src/secret/secret.ts';
import {withSpiedBuffers} from '../helpers/spied-buffers.ts';
import type {Token} from '../../src/token/token.ts';

type CredentialAnswer = Extract<Answer, {kind: 'credential'}>;

const token: Token = {
  kind: 'access-token',
  secret: Secret.fromText('TOKEN'),
  fingerprint: '0123456789abcdef',
  acquiredAt: 0,
  acquiredUptime: 0,
  expiresAt: 1_700_000_000_999,
  refreshAt: undefined,
};
const pat: Token = {...token, kind: 'pat', secret: Secret.fromText('PAT'), expiresAt: undefined};
const credential: CredentialAnswer = {
  kind: 'credential',
  token,
  username: 'me',
  authtype: true,
  state: undefined,
  isSettled: false,
};

const says = test.macro({
  exec: (t, _: string, answer: Answer, lines: readonly string[]) => {
    t.is(Buffer.from(render(answer)).toString(), ['orgkey=1', ...lines, ''].join('\n'));
  },
  title: (_, title: string) => title,
});

test(says, 'a pass is silent', {kind: 'pass', reason: 'not ours'}, []);
test(says, 'an accepted store or erase is silent', {kind: 'done', reason: 'rejected'}, []);
test(says, 'an access token for the git that takes headers', credential, [
  'capability[]=authtype',
  'ephemeral=1',
  'password_expiry_utc=1700000000',
  'authtype=Bearer',
  'credential=TOKEN',
]);
test(
  says,
  'an access token for the git that asks again',
  {...credential, state: 'orgkey.1.0123456789abcdef'},
  [
    'capability[]=authtype',
    'ephemeral=1',
    'capability[]=state',
    'state[]=orgkey.1.0123456789abcdef',
    'continue=1',
    'password_expiry_utc=1700000000',
    'authtype=Bearer',
    'credential=TOKEN',
  ],
);
test(
  says,
  'an access token whose success git need not report',
  {...credential, state: 'orgkey.1.0123456789abcdef', isSettled: true},
  [
    'capability[]=authtype',
    'ephemeral=1',
    'capability[]=state',
    'state[]=orgkey.1.0123456789abcdef',
    'state[]=orgkey.settled',
    'continue=1',
    'password_expiry_utc=1700000000',
    'authtype=Bearer',
    'credential=TOKEN',
  ],
);
test(says, 'an access token for an older git', {...credential, authtype: false}, [
  'username=me',
  'password=TOKEN',
  'password_expiry_utc=1700000000',
]);
test(
  says,
  'for an older git that asked for another spelling, the URL comes first',
  {...credential, authtype: false, url: 'https://dev.azure.com/contoso/p/_git/r'},
  [
    'url=https://dev.azure.com/contoso/p/_git/r',
    'username=me',
    'password=TOKEN',
    'password_expiry_utc=1700000000',
  ],
);
test(says, 'a personal access token for the git that takes headers', {...credential, token: pat}, [
  'capability[]=authtype',
  'ephemeral=1',
  'authtype=Basic',
  // me:PAT
  'credential=bWU6UEFU',
]);
test(says, 'a personal access token for an older git', {...credential, token: pat, authtype: false}, [
  'username=me',
  'password=PAT',
]);
test(
  says,
  'a personal access token with an end, and a user name that is not ASCII',
  {...credential, username: 'mé', token: {...pat, expiresAt: 1000}},
  [
    'capability[]=authtype',
    'ephemeral=1',
    'password_expiry_utc=1',
    'authtype=Basic',
    'credential=bcOpOlBBVA==',
  ],
);

const login = {
  username: 'me',
  password: Secret.fromText('p=w'),
  authtype: undefined,
  credential: undefined,
  expiresAt: undefined,
  refreshToken: undefined,
};
test(says, 'a stored login', {kind: 'login', login}, ['username=me', 'password=p=w']);
test(
  says,
  'a stored login of empty texts',
  {kind: 'login', login: {...login, username: '', password: Secret.fromText('')}},
  ['username=', 'password='],
);
test(
  says,
  'a stored login with everything',
  {
    kind: 'login',
    login: {
      ...login,
      authtype: 'Bearer',
      credential: Secret.fromText('c'),
      expiresAt: 5000,
      refreshToken: Secret.fromText('r'),
    },
  },
  [
    'capability[]=authtype',
    'username=me',
    'password=p=w',
    'authtype=Bearer',
    'credential=c',
    'password_expiry_utc=5',
    'oauth_refresh_token=r',
  ],
);
test(
  says,
  'never a kind of header without the header',
  {kind: 'login', login: {...login, authtype: 'Bearer'}},
  ['username=me', 'password=p=w'],
);

const failed: Answer = {kind: 'failure', errors: ['contoso: no'], hints: ['do this', 'or that'], quit: true};
test(says, 'a failure that stops git', failed, [
  'orgkey-error=contoso: no',
  'orgkey-hint=do this',
  'orgkey-hint=or that',
  'quit=1',
]);
test(says, 'a failure that lets git go on', {...failed, hints: [], quit: false}, [
  'orgkey-error=contoso: no',
]);
test(
  says,
  'whatever a failure holds stays in its line',
  {
    ...failed,
    errors: ['a\nusername=evil\r\u001b[2J\u2028\u202e\0'],
    hints: ['x\ncredential=evil'],
    quit: false,
  },
  [
    'orgkey-error=a\\u{a}username=evil\\u{d}\\u{1b}[2J\\u{2028}\\u{202e}\\u{0}',
    'orgkey-hint=x\\u{a}credential=evil',
  ],
);
test(
  says,
  'a failure is cut where it is too long',
  {...failed, errors: ['x'.repeat(2000)], hints: [], quit: false},
  [`orgkey-error=${'x'.repeat(1000)}…`],
);
test(says, 'a grant', {kind: 'grant', socket: '/run/orgkey/ssh/1'}, [
  'decision=grant',
  'socket=/run/orgkey/ssh/1',
]);
test(says, 'a denial', {kind: 'deny', reason: 'only\nreads', hint: undefined}, [
  'decision=deny',
  'orgkey-error=only\\u{a}reads',
]);
test(says, 'a denial with a hint', {kind: 'deny', reason: 'no', hint: 'clone\nit'}, [
  'decision=deny',
  'orgkey-error=no',
  'orgkey-hint=clone\\u{a}it',
]);
test(says, 'a temporary denial', {kind: 'deny', reason: 'no', hint: undefined, again: true}, [
  'decision=deny',
  'retry=1',
  'orgkey-error=no',
]);
test(says, 'a hello', {kind: 'hello', version: '1.2.3', pid: 42, proof: 'abc'}, [
  'version=1.2.3',
  'pid=42',
  'proof=abc',
]);

for (const kind of ['access-token', 'pat'] as const)
  for (const authtype of [true, false])
    test(`every buffer that held a secret is overwritten: ${kind}, ${authtype ? 'a header' : 'a password'}`, (t) => {
      const text = 'canary-7c1f';
      const forms = [text, Buffer.from(`me:${text}`).toString('base64')];
      const buffers: Uint8Array[] = [];
      const answer = withSpiedBuffers(buffers, () =>
        render({...credential, authtype, token: {...pat, kind, secret: Secret.fromText(text)}}),
      );
      const holding = buffers.filter((buffer) => forms.some((form) => Buffer.from(buffer).includes(form)));
      // the secret itself, which is the cache's to erase, and the answer
      t.is(holding.length, 2);
      t.true(holding.includes(answer));
    });

test('every buffer that held a stored login is overwritten', (t) => {
  const text = 'canary-8e40';
  const buffers: Uint8Array[] = [];
  const answer = withSpiedBuffers(buffers, () =>
    render({kind: 'login', login: {...login, password: Secret.fromText(text)}}),
  );
  const holding = buffers.filter((buffer) => Buffer.from(buffer).includes(text));
  t.is(holding.length, 2);
  t.true(holding.includes(answer));
});

test('a secret that was erased meanwhile is not sent as zeros', (t) => {
  const secret = Secret.fromText('TOKEN');
  secret.erase();
  t.throws(() => render({...credential, token: {...token, secret}}), {message: /erased/});
});

const word = fc.string({unit: 'binary', minLength: 1, maxLength: 40});

test('every answer is lines of attributes without protocol, host or path', (t) => {
  const answers: fc.Arbitrary<Answer> = fc.oneof(
    fc.record({
      kind: fc.constant('failure' as const),
      errors: fc.array(word, {maxLength: 3}),
      hints: fc.array(word, {maxLength: 3}),
      quit: fc.boolean(),
    }),
    fc.record({kind: fc.constant('grant' as const), socket: word}),
    fc.record({kind: fc.constant('deny' as const), reason: word, hint: fc.option(word, {nil: undefined})}),
    fc.record({kind: fc.constant('hello' as const), version: word, pid: fc.nat(), proof: word}),
  );
  const allowed = /^(?:orgkey|orgkey-error|orgkey-hint|quit|decision|socket|version|pid|proof)$/;
  fc.assert(
    fc.property(answers, (answer) => {
      const text = Buffer.from(render(answer)).toString();
      t.true(text.endsWith('\n'));
      for (const line of text.slice(0, -1).split('\n')) t.regex(line.slice(0, line.indexOf('=')), allowed);
      t.notRegex(text.replaceAll('\n', ''), /[\p{Cc}\u2028\u2029\u202e]/u);
    }),
    {numRuns: 5000},
  );
});

test('a rendered answer parses to the same attributes', (t) => {
  const plain = fc
    .string({unit: 'binary', maxLength: 40})
    .filter((text) => !/[\n\r\0]/.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(plain, plain, fc.boolean(), fc.nat(), (username, secret, authtype, seconds) => {
      const answer: CredentialAnswer = {
        ...credential,
        username,
        authtype,
        token: {...token, secret: Secret.fromText(secret), expiresAt: seconds * 1000},
      };
      const read = Object.fromEntries(
        parseAttributes(render(answer)).map(({key, value}) => [key, Buffer.from(value).toString()]),
      );
      t.is(authtype ? read['credential'] : read['password'], secret);
      t.is(read['username'], authtype ? undefined : username);
      t.is(read['password_expiry_utc'], String(seconds));
    }),
    {numRuns: 5000},
  );
});
