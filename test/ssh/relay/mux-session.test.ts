import test from 'ava';
import * as fc from '../../helpers/any.ts';

import {MuxSession, type MuxEvent} from '../../../src/ssh/relay/mux-session.ts';
import {WireError, byte, string, uint32} from '../../../src/ssh/relay/wire.ts';

const COMMAND = "git-upload-pack 'v3/contoso/Web/lib'";

const frame = (...parts: Uint8Array[]) => string(Buffer.concat(parts));
const packet = (type: number, ...parts: Uint8Array[]) => frame(byte(0), byte(type), ...parts);

const hello = frame(uint32(1), uint32(4));
const proxy = frame(uint32(0x1000000f), uint32(0));
const open = packet(90, string('session'), uint32(7), uint32(1000), uint32(500));
const request = (type: string, ...more: Uint8Array[]) =>
  packet(98, uint32(0), string(type), byte(1), ...more);
const exec = request('exec', string(COMMAND));
const env = (name: string, value: string) => request('env', string(name), string(value));
const data = (bytes: Uint8Array) => packet(94, uint32(0), string(bytes));

const success = packet(99, uint32(7));
const failure = packet(100, uint32(7));

/** Events as short texts, replies in hex. */
function tell(events: readonly MuxEvent[]): string[] {
  return events.map((event) => {
    switch (event.kind) {
      case 'reply':
        return Buffer.from(event.bytes).toString('hex');
      case 'execute':
        return `execute ${String(event.gitProtocol)}`;
      case 'input':
        return `input ${event.bytes.toString()}`;
      case 'input-end':
      case 'window':
      case 'closed':
        return event.kind;
    }
  });
}

function sessionAfter(...frames: Uint8Array[]): MuxSession {
  const session = new MuxSession(COMMAND);
  for (const each of frames) session.receive(each);
  return session;
}

test('what OpenSSH says for git, and what it hears', (t) => {
  const session = new MuxSession(COMMAND);
  t.deepEqual(tell(session.receive(Buffer.concat([hello, proxy]))), [
    hello.toString('hex'),
    frame(uint32(0x8000000f), uint32(0)).toString('hex'),
  ]);
  t.deepEqual(tell(session.receive(open)), [
    packet(91, uint32(7), uint32(0), uint32(128 * 1024), uint32(32 * 1024)).toString('hex'),
  ]);
  t.deepEqual(tell(session.receive(Buffer.concat([env('GIT_PROTOCOL', 'version=2'), exec]))), [
    success.toString('hex'),
    success.toString('hex'),
    'execute version=2',
  ]);
  t.deepEqual(tell(session.receive(data(Buffer.from('0000')))), ['input 0000']);
  t.is(session.window, 1000);
  t.is(session.fitting(4000), 500);
  t.is(
    Buffer.concat(session.output(Buffer.from('pack'), 'stdout')).toString('hex'),
    packet(94, uint32(7), string('pack')).toString('hex'),
  );
  t.is(
    Buffer.concat(session.output(Buffer.from('oh'), 'stderr')).toString('hex'),
    packet(95, uint32(7), uint32(1), string('oh')).toString('hex'),
  );
  t.is(session.window, 994);
  t.deepEqual(tell(session.receive(packet(93, uint32(0), uint32(6)))), ['window']);
  t.is(session.window, 1000);
  t.deepEqual(tell(session.receive(packet(96, uint32(0)))), ['input-end']);
  t.is(
    Buffer.from(session.finish(3)).toString('hex'),
    Buffer.concat([
      packet(98, uint32(7), string('exit-status'), byte(0), uint32(3)),
      packet(96, uint32(7)),
      packet(97, uint32(7)),
    ]).toString('hex'),
  );
  t.is(session.finish(0).length, 0);
  t.deepEqual(tell(session.receive(packet(97, uint32(0)))), ['closed']);
});

test('input is asked for again as it is taken', (t) => {
  const session = sessionAfter(hello, proxy, open, exec);
  const half = Buffer.alloc(32 * 1024);
  t.is(session.receive(Buffer.concat([data(half), data(half), data(half)])).length, 3);
  t.is(session.taken(half.length), undefined);
  t.deepEqual(session.taken(half.length), packet(93, uint32(7), uint32(64 * 1024)));
});

const refused: readonly (readonly [
  what: string,
  before: Uint8Array[],
  frames: Uint8Array,
  expected: string[],
])[] = [
  ['another command', [hello, proxy, open], request('exec', string('sh')), [failure.toString('hex')]],
  [
    'a push',
    [hello, proxy, open],
    request('exec', string(COMMAND.replace('upload', 'receive'))),
    [failure.toString('hex')],
  ],
  [
    'the command with more behind it',
    [hello, proxy, open],
    request('exec', string(`${COMMAND};sh`)),
    [failure.toString('hex')],
  ],
  ['a shell', [hello, proxy, open], request('shell'), [failure.toString('hex')]],
  ['a terminal', [hello, proxy, open], request('pty-req', string('xterm')), [failure.toString('hex')]],
  ['a subsystem', [hello, proxy, open], request('subsystem', string('sftp')), [failure.toString('hex')]],
  ['the agent', [hello, proxy, open], request('auth-agent-req@openssh.com'), [failure.toString('hex')]],
  ['X11', [hello, proxy, open], request('x11-req'), [failure.toString('hex')]],
  ['another variable', [hello, proxy, open], env('LD_PRELOAD', '/tmp/x.so'), [failure.toString('hex')]],
  [
    'another value',
    [hello, proxy, open],
    env('GIT_PROTOCOL', 'version=2:x=$(sh)'),
    [failure.toString('hex')],
  ],
  ['the command a second time', [hello, proxy, open, exec], exec, [failure.toString('hex')]],
  [
    'a variable after the command',
    [hello, proxy, open, exec],
    env('GIT_PROTOCOL', 'version=1'),
    [failure.toString('hex')],
  ],
  [
    'a second session',
    [hello, proxy, open],
    packet(90, string('session'), uint32(9), uint32(1), uint32(1)),
    [packet(92, uint32(9), uint32(1), string('one session only'), string('')).toString('hex')],
  ],
  [
    'a tunnel',
    [hello, proxy],
    packet(90, string('direct-tcpip'), uint32(9), uint32(1), uint32(1), string('127.0.0.1'), uint32(22)),
    [packet(92, uint32(9), uint32(1), string('one session only'), string('')).toString('hex')],
  ],
  [
    'remote forwarding',
    [hello, proxy],
    packet(80, string('tcpip-forward'), byte(1), string(''), uint32(0)),
    [packet(82).toString('hex')],
  ],
  [
    'a question that wants no answer',
    [hello, proxy],
    packet(80, string('keepalive@openssh.com'), byte(0)),
    [],
  ],
];

for (const [what, before, frames, expected] of refused)
  test(`${what} is refused, and the session goes on`, (t) => {
    t.deepEqual(tell(sessionAfter(...before).receive(frames)), expected);
  });

const broken: readonly (readonly [what: string, before: Uint8Array[], bytes: Uint8Array])[] = [
  ['no greeting', [], proxy],
  ['a greeting of another version', [], frame(uint32(1), uint32(3))],
  ['a session that would pass descriptors', [hello], frame(uint32(0x10000002), uint32(0))],
  ['a request to stop', [hello], frame(uint32(0x10000005), uint32(0))],
  ['a forwarding request to the master', [hello], frame(uint32(0x10000006), uint32(0))],
  ['a greeting twice', [hello], hello],
  ['a proxy request with more in it', [hello], frame(uint32(0x1000000f), uint32(0), byte(0))],
  ['an empty message', [hello], frame()],
  ['a message beyond 256 KiB', [hello, proxy], uint32(256 * 1024 + 1)],
  ['a message of 4 GiB', [hello, proxy], uint32(0xffffffff)],
  ['a message that is cut short inside', [hello, proxy], packet(90, uint32(100), Buffer.from('session'))],
  ['an end of input before a session', [hello, proxy], packet(96, uint32(0))],
  ['input before the command', [hello, proxy, open], data(Buffer.from('x'))],
  ['another channel', [hello, proxy, open, exec], packet(94, uint32(1), string('x'))],
  ['input after its end', [hello, proxy, open, exec, packet(96, uint32(0))], data(Buffer.from('x'))],
  ['an end of input twice', [hello, proxy, open, exec, packet(96, uint32(0))], packet(96, uint32(0))],
  ['data with more behind it', [hello, proxy, open, exec], packet(94, uint32(0), string('x'), byte(1))],
  ['padding', [hello, proxy], frame(byte(4), byte(90), string('session'))],
  ['a message of the transport', [hello, proxy], packet(20, Buffer.alloc(16))],
  ['authentication', [hello, proxy], packet(50, string('git'))],
  ['a window beyond all bounds', [hello, proxy, open], packet(93, uint32(0), uint32(0xffffffff))],
  ['packets of no size', [hello, proxy], packet(90, string('session'), uint32(7), uint32(1), uint32(0))],
  [
    'the command with more behind it in the message',
    [hello, proxy, open],
    request('exec', string(COMMAND), byte(0)),
  ],
  [
    'more input than was asked for',
    [hello, proxy, open, exec, data(Buffer.alloc(100_000))],
    data(Buffer.alloc(100_000)),
  ],
];

for (const [what, before, bytes] of broken)
  test(`${what} ends it`, (t) => {
    const session = sessionAfter(...before);
    t.throws(() => session.receive(bytes), {instanceOf: WireError});
  });

test('cut anywhere, the same bytes mean the same', (t) => {
  const whole = Buffer.concat([
    hello,
    proxy,
    open,
    env('GIT_PROTOCOL', 'version=2'),
    exec,
    data(Buffer.from('want')),
  ]);
  const expected = tell(new MuxSession(COMMAND).receive(whole));
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
      const session = new MuxSession(COMMAND);
      const edges = [0, ...cuts.toSorted((one, other) => one - other), whole.length];
      const events = edges.flatMap((edge, at) =>
        tell(session.receive(whole.subarray(edges[at - 1] ?? 0, edge))),
      );
      t.deepEqual(events, expected);
    }),
    {numRuns: 300},
  );
});

/** The beginning of a good conversation, then messages that are nearly right, in any order, and noise between them. */
const good = [hello, proxy, open, env('GIT_PROTOCOL', 'version=2'), exec, data(Buffer.from('want'))];
const anyMessage: fc.Arbitrary<Uint8Array> = fc.oneof(
  {weight: 4, arbitrary: fc.constantFrom<Uint8Array>(...good)},
  {weight: 2, arbitrary: fc.uint8Array({maxLength: 64}).map((bytes) => frame(byte(0), bytes))},
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({min: 80, max: 100}), fc.uint8Array({maxLength: 40}))
      .map(([type, bytes]) => packet(type, uint32(0), bytes)),
  },
  {weight: 1, arbitrary: fc.uint8Array({maxLength: 40})},
);
const conversation = fc
  .tuple(fc.nat(good.length), fc.array(anyMessage, {maxLength: 8}))
  .map(([length, rest]) => [...good.slice(0, length), ...rest]);

test('whatever comes, only the granted command is ever executed, once, and nothing but a WireError is thrown', (t) => {
  const runs = Number(process.env['ORGKEY_FUZZ_RUNS'] ?? 20_000);
  let executed = 0;
  fc.assert(
    fc.property(conversation, (messages) => {
      const session = new MuxSession(COMMAND);
      const events: MuxEvent[] = [];
      try {
        for (const message of messages) events.push(...session.receive(message));
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
      const times = events.filter(({kind}) => kind === 'execute').length;
      executed += times;
      return (
        times === 0 || (times === 1 && messages.some((message) => Buffer.from(message).includes(COMMAND)))
      );
    }),
    {numRuns: runs},
  );
  t.log(`${runs} inputs, ${executed} of them executed the command`);
  t.true(executed > runs / 20);
});
