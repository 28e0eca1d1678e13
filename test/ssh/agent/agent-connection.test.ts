import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {connect, createServer, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import test, {type ExecutionContext} from 'ava';

import {AgentConnection} from '../../../src/ssh/agent/agent-connection.ts';
import {byte, string, uint32} from '../../../src/ssh/relay/wire.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {ManualTimers} from '../../helpers/timers.ts';

/** A connection to an agent that does as it is told with what it hears. */
async function connected(t: ExecutionContext, hear: (socket: Socket, bytes: Buffer) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'agent-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => hear(socket, bytes));
  });
  server.listen(join(directory, 's'));
  t.teardown(() => server.close());
  const socket = connect(join(directory, 's'));
  await once(socket, 'connect');
  const timers = new ManualTimers();
  const agent = new AgentConnection(socket, timers.start);
  t.teardown(() => agent.close());
  return {agent, timers};
}

function message(...parts: Uint8Array[]): Buffer {
  return string(Buffer.concat(parts));
}

function signature(algorithm: string, bytes: string): Buffer {
  return message(byte(14), string(Buffer.concat([string(algorithm), string(bytes)])));
}

test('questions on their way together have the answers of their turn, however these are cut', async (t) => {
  let asked = Buffer.alloc(0);
  const {agent} = await connected(t, (socket, bytes) => {
    asked = Buffer.concat([asked, bytes]);
    const questions = asked.toString('latin1').split('rsa-key').length - 1;
    if (questions < 3) return;
    const answers = Buffer.concat(['one', 'two', 'three'].map((text) => signature('rsa-sha2-512', text)));
    for (const part of answers) socket.write(Buffer.of(part));
  });
  const key = Buffer.from('rsa-key');
  const signatures = await Promise.all(
    ['1', '2', '3'].map((data) => agent.sign(key, Buffer.from(data), 'rsa-sha2-512')),
  );
  t.deepEqual(signatures.map(String), ['one', 'two', 'three']);
});

for (const [algorithm, flags] of [
  ['rsa-sha2-512', 4],
  ['rsa-sha2-256', 2],
  ['ssh-ed25519', 0],
] as const)
  test(`a signature by ${algorithm} is asked for, byte for byte`, async (t) => {
    const heard: Buffer[] = [];
    const {agent} = await connected(t, (socket, bytes) => {
      heard.push(bytes);
      socket.write(signature(algorithm, 'x'));
    });
    await agent.sign(Buffer.from('key'), Buffer.from('data'), algorithm);
    t.deepEqual(Buffer.concat(heard), message(byte(13), string('key'), string('data'), uint32(flags)));
  });

test('an agent that signs with SHA-1 all the same is too old, and its signature is not used', async (t) => {
  const {agent} = await connected(t, (socket) => socket.write(signature('ssh-rsa', 'forgeable')));
  await t.throwsAsync(agent.sign(Buffer.from('key'), Buffer.from('data'), 'rsa-sha2-512'), {
    code: 'ERR_KEY_HOLDER',
    message: 'the ssh-agent is too old: it does not sign with SHA-2',
  });
});

for (const [what, answer, expected] of [
  ['refuses', message(byte(5)), 'the private ssh-agent refuses'],
  ['gives another answer', message(byte(12), uint32(0)), 'the private ssh-agent refuses'],
  ['sends a message of no length', uint32(0), 'the private ssh-agent is gone'],
  ['sends a message beyond all lengths', uint32(0x7f_ff_ff_ff), 'the private ssh-agent is gone'],
] as const)
  test(`an agent that ${what}`, async (t) => {
    const {agent} = await connected(t, (socket) => socket.write(answer));
    await t.throwsAsync(agent.remove(Buffer.from('key')), {code: 'ERR_KEY_HOLDER', message: expected});
  });

test('an answer that is cut short is no answer', async (t) => {
  const {agent} = await connected(t, (socket) => socket.write(message(byte(14), uint32(400))));
  await t.throwsAsync(agent.sign(Buffer.from('key'), Buffer.from('data'), 'ssh-ed25519'), {
    code: 'ERR_KEY_HOLDER',
    message: 'the private ssh-agent answers what cannot be read',
  });
});

test('an answer to no question ends the connection', async (t) => {
  const {agent} = await connected(t, (socket) =>
    socket.write(Buffer.concat([message(byte(6)), message(byte(6))])),
  );
  await agent.remove(Buffer.from('key'));
  await agent.ended;
  t.false(agent.isOpen);
  await t.throwsAsync(agent.remove(Buffer.from('key')), {message: 'the private ssh-agent is gone'});
});

test('an agent that says nothing is left after five seconds, by all that wait', async (t) => {
  const {agent, timers} = await connected(t, () => {});
  const waiting = [agent.count(), agent.sign(Buffer.from('key'), Buffer.from('data'), 'ssh-ed25519')];
  const ends = waiting.map((one) => t.throwsAsync(one, {code: 'ERR_KEY_HOLDER'}));
  t.is(timers.fire(5000), 2);
  t.regex((await ends[0])?.message ?? '', /does not answer/);
  await Promise.all(ends);
  t.false(agent.isOpen);
  t.is(timers.fire(5000), 0, 'no timer is left');
});

test('a key that was handed over is overwritten where it was', async (t) => {
  const {agent} = await connected(t, (socket) => socket.write(message(byte(6))));
  const original = Buffer.alloc.bind(Buffer);
  const made: Buffer[] = [];
  const secret = Secret.fromText('numbers of a key');
  Buffer.alloc = (...args: Parameters<typeof Buffer.alloc>) => {
    const buffer = original(...args);
    made.push(buffer);
    return buffer;
  };
  const adding = agent.add(secret);
  Buffer.alloc = original;
  t.true(made.some((buffer) => buffer.includes('numbers of a key')));
  await adding;
  t.false(made.some((buffer) => buffer.includes('numbers of a key')));
});
