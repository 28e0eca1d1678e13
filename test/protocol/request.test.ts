import test from 'ava';
import {parseAttributes} from '../../src/protocol/attributes.ts';
import {MAX_REQUEST, RequestError, parseRequest} from '../../src/protocol/request.ts';
import {request} from '../helpers/fake-respond.ts';

const azure = ['protocol=https', 'host=dev.azure.com', 'path=contoso/p'];
const remote = {protocol: 'https', host: 'dev.azure.com', path: 'contoso/p', username: undefined};
const plain = {
  operation: 'get',
  remote,
  announced: {authtype: false, state: false},
  again: false,
  states: [],
  challenges: [],
};

const reads = test.macro({
  exec: (t, _: string, sent: string | Buffer, expected: unknown) => {
    t.deepEqual(
      parseRequest(typeof sent === 'string' ? Buffer.from(sent) : sent),
      expected as ReturnType<typeof parseRequest>,
    );
  },
  title: (_, title: string) => `reads ${title}`,
});

test(reads, 'a get of an old git', request('get', ...azure), plain);
test(
  reads,
  'a get of the newest git',
  request('get', 'capability[]=authtype', 'capability[]=state', ...azure),
  {
    ...plain,
    announced: {authtype: true, state: true},
  },
);
test(reads, 'an unknown capability', request('get', 'capability[]=other', ...azure), plain);
test(reads, 'authtype as announced only in a list', request('get', 'capability=authtype', ...azure), plain);
test(
  reads,
  'capabilities that are taken back',
  request('get', 'capability[]=authtype', 'capability[]=', 'capability[]=state', ...azure),
  {...plain, announced: {authtype: false, state: true}},
);
test(
  reads,
  'a second get after a refusal',
  request('get', ...azure, 'authtype=', 'state[]=orgkey.1.0123456789abcdef', 'state[]=other'),
  {...plain, again: true, states: ['orgkey.1.0123456789abcdef', 'other']},
);
test(
  reads,
  'states that are taken back, which tell as much',
  request('get', ...azure, 'state[]=x', 'state[]='),
  {
    ...plain,
    states: ['x', ''],
  },
);
test(
  reads,
  'the challenges, as data',
  request(
    'get',
    ...azure,
    'wwwauth[]=gone',
    'wwwauth[]=',
    'wwwauth[]=Bearer authorization_uri=https://a/b',
    'wwwauth[]=Basic',
  ),
  {...plain, challenges: ['Bearer authorization_uri=https://a/b', 'Basic']},
);
test(
  reads,
  'the first 32 challenges, and states',
  request(
    'get',
    ...azure,
    ...Array.from({length: 40}, (_, at) => [`wwwauth[]=c${at}`, `state[]=s${at}`]).flat(),
  ),
  {
    ...plain,
    challenges: Array.from({length: 32}, (_, at) => `c${at}`),
    states: Array.from({length: 32}, (_, at) => `s${at}`),
  },
);
test(
  reads,
  'challenges and states that are not UTF-8',
  Buffer.from(request('get', ...azure, 'wwwauth[]=beschr\u00e4nkt', 'state[]=\u00ff'), 'latin1'),
  {...plain, challenges: ['beschr\ufffdnkt'], states: ['\ufffd']},
);
test(reads, 'no path as none', request('get', 'protocol=https', 'host=h'), {
  ...plain,
  remote: {protocol: 'https', host: 'h', path: undefined, username: undefined},
});
test(
  reads,
  'an empty path and user name as empty',
  request('get', 'protocol=https', 'host=h', 'path=', 'username='),
  {
    ...plain,
    remote: {protocol: 'https', host: 'h', path: '', username: ''},
  },
);
test(
  reads,
  'nothing decoded, folded or trimmed',
  request('get', 'protocol= HTTPS ', 'host=\ufeffH%41', 'path= %2e ', 'username= a:b '),
  {...plain, remote: {protocol: ' HTTPS ', host: '\ufeffH%41', path: ' %2e ', username: ' a:b '}},
);
test(reads, 'an exit as nothing to do', request('exit'), {operation: 'ignored'});
test(reads, 'an unknown action as nothing to do', request('constructor', ...azure), {operation: 'ignored'});
test(reads, 'an unknown operation as nothing to do', request('get', 'operation=list', ...azure), {
  operation: 'ignored',
});
test(reads, 'an operation beside another action as part of the request', request('exit', 'operation=store'), {
  operation: 'ignored',
});
test(reads, 'a hello', request('hello', 'nonce=x y'), {operation: 'hello', nonce: 'x y'});
test(reads, 'a hello without a nonce', request('hello'), {operation: 'hello', nonce: ''});
test(
  reads,
  'a grant',
  request(
    'get',
    'operation=grant',
    'destination=git@h',
    'port=2222',
    "command=git-upload-pack 'x'",
    'directory=/a b',
  ),
  {operation: 'grant', destination: 'git@h', port: 2222, command: "git-upload-pack 'x'", directory: '/a b'},
);

const login = {
  username: undefined,
  password: undefined,
  authtype: undefined,
  credential: undefined,
  expiresAt: undefined,
  refreshToken: undefined,
  ephemeral: false,
  timeout: 900_000,
};

test(reads, 'an erase', request('erase', ...azure, 'username=me', 'password=x=y'), {
  operation: 'erase',
  remote: {...remote, username: 'me'},
  login: {...login, username: 'me', password: Buffer.from('x=y')},
  challenges: [],
});
for (const store of [request('store', ...azure), request('get', 'operation=store', ...azure)]) {
  const how = store.startsWith('action=store') ? 'of git' : 'of our script';
  test(
    reads,
    `a store ${how}`,
    `${store}username=me\npassword=\npassword_expiry_utc=1700000000\noauth_refresh_token=r\n`,
    {
      operation: 'store',
      remote: {...remote, username: 'me'},
      login: {
        ...login,
        username: 'me',
        password: Buffer.alloc(0),
        expiresAt: 1_700_000_000_000,
        refreshToken: Buffer.from('r'),
      },
    },
  );
}
test(
  reads,
  'a store of a header',
  request(
    'store',
    ...azure,
    'authtype=Bearer',
    'credential=c',
    'ephemeral=1',
    'password_expiry_utc=18446744073709551615',
  ),
  {
    operation: 'store',
    remote,
    login: {...login, authtype: 'Bearer', credential: Buffer.from('c'), ephemeral: true},
  },
);

test('a port is 1 to 65535, a promise to keep nothing one of four words', (t) => {
  for (const port of [1, 10, 22, 65_535]) {
    const grant = request(
      'get',
      'operation=grant',
      'destination=d',
      'command=c',
      'directory=/',
      `port=${port}`,
    );
    const read = parseRequest(Buffer.from(grant));
    t.is(read.operation === 'grant' ? read.port : undefined, port);
  }
  for (const [word, expected] of [
    ['1', true],
    ['true', true],
    ['YES', true],
    ['on', true],
    ['0', false],
    ['', false],
    ['no', false],
  ] as const) {
    const read = parseRequest(Buffer.from(request('store', ...azure, `ephemeral=${word}`)));
    t.is(read.operation === 'store' ? read.login.ephemeral : undefined, expected, word);
  }
});

const refuses = test.macro({
  exec: (t, text: string, reason: string) => {
    const error = t.throws(() => parseRequest(Buffer.from(text)), {instanceOf: RequestError});
    t.is(error?.message, reason);
  },
  title: (_, text: string, reason: string) => `refuses ${JSON.stringify(text.slice(0, 60))}: ${reason}`,
});

test(refuses, '', 'the first line is not an action');
test(refuses, 'action=get\n', 'the second line is not a timeout');
test(refuses, 'action=get\ntimeout=x\n', 'the timeout is not an integer');
test(refuses, 'action=get\ntimeout=9', 'the last line does not end');
test(refuses, request('get', 'host=h'), 'no protocol');
test(refuses, request('get', 'protocol=https'), 'no host');
test(refuses, request('get', 'protocol=https', 'host='), 'no host');
test(refuses, request('get', 'secret'), 'a line has no equals sign');
test(refuses, request('get', 'password=s\0'), 'a line has a NUL');
test(refuses, request('get', 'password=s\r'), 'a line has a carriage return');
test(refuses, request('get', 'Password=s'), 'a key has an invalid character');
test(refuses, request('get', 'password=s', 'password=s'), 'password twice');
test(refuses, request('get', ...Array.from({length: 63}, (_, index) => `k${index}=s`)), 'more than 64 keys');
test(refuses, request('get', 'url=https://me:s@h'), 'url is not supported, only its parts');
test(refuses, 'x'.repeat(MAX_REQUEST + 1), 'longer than 64 KiB');
test(refuses, request('get', 'operation=grant', 'destination=d', 'directory=/'), 'no command');
test(refuses, request('get', 'operation=grant', 'command=c', 'directory=/'), 'no destination');
test(refuses, request('get', 'operation=grant', 'destination=d', 'command=c'), 'no directory');

test('values stay bytes, and those of the request', (t) => {
  const bytes = Buffer.from('password=\u00ff\n', 'latin1');
  const [attribute] = parseAttributes(bytes);
  t.deepEqual([...(attribute?.value ?? [])], [0xff]);
  bytes.fill(0);
  t.deepEqual([...(attribute?.value ?? [])], [0]);
});
