import * as fc from '../helpers/any.ts';
import test from 'ava';
import {fieldOf, jobFrom, messageOf, secretOf, type Job} from '../../src/entra/job.ts';
import {decodeMessage, encodeMessage} from '../../src/entra/message.ts';
import {TroubleError} from '../../src/entra/trouble.ts';

test('what is encoded is decoded', (t) => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue(), {noNullPrototype: true}),
      fc.dictionary(fc.string(), fc.uint8Array({maxLength: 300}), {noNullPrototype: true}),
      (head, secrets) => {
        const {secrets: _, ...rest} = head;
        const sent = JSON.parse(JSON.stringify(rest)) as Record<string, unknown>;
        t.deepEqual(decodeMessage(encodeMessage({head: sent, secrets})), {head: sent, secrets});
      },
    ),
    {numRuns: 300},
  );
});

test('a secret may have any name', (t) => {
  const message = encodeMessage({
    head: {},
    secrets: {['__proto__']: Buffer.from('a'), constructor: Buffer.from('b')},
  });
  t.deepEqual(Object.keys(decodeMessage(message)?.secrets ?? {}), ['__proto__', 'constructor']);
});

test('no bytes at all crash the decoder', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 200}), (bytes) => {
        decodeMessage(bytes);
      }),
      {numRuns: 2000},
    ),
  );
});

for (const [title, text] of [
  ['no line end', '{"secrets":{}}'],
  ['no JSON', 'hello\n'],
  ['a list', '[]\n'],
  ['no lengths', '{}\n'],
  ['a length that is none', '{"secrets":{"a":"1"}}\nx'],
  ['a negative length', '{"secrets":{"a":-1}}\nx'],
  ['half a byte', '{"secrets":{"a":0.5}}\nx'],
  ['too few bytes', '{"secrets":{"a":2}}\nx'],
  ['too many bytes', '{"secrets":{"a":1}}\nxy'],
  ['an endless length', '{"secrets":{"a":1e999}}\nx'],
] as const) {
  test(`no message: ${title}`, (t) => t.is(decodeMessage(Buffer.from(text)), undefined));
}

test('secrets are copies: the message can be overwritten', (t) => {
  const bytes = encodeMessage({head: {}, secrets: {a: Buffer.from('secret')}});
  const message = decodeMessage(bytes);
  bytes.fill(0);
  t.is(Buffer.from(message?.secrets['a'] ?? []).toString(), 'secret');
});

const job: Job = {
  task: 'refresh',
  fields: {clientId: 'x'},
  secrets: {refreshToken: Buffer.from('y')},
  time: 7,
};

test('a job arrives as it was sent', (t) => {
  const message = decodeMessage(encodeMessage(messageOf(job)));
  t.like(message && jobFrom(message), {task: 'refresh', fields: {clientId: 'x'}, time: 7});
});

for (const head of [
  {},
  {task: 'odd', fields: {}, time: 1},
  {task: 'refresh', fields: [], time: 1},
  {task: 'refresh', fields: {a: 1}, time: 1},
  {task: 'refresh', fields: {}},
]) {
  test(`no job: ${JSON.stringify(head)}`, (t) => t.is(jobFrom({head, secrets: {}}), undefined));
}

test('what a job lacks is said', (t) => {
  t.is(fieldOf(job, 'clientId'), 'x');
  t.is(secretOf(job, 'refreshToken'), 'y');
  for (const read of [() => fieldOf(job, 'tenantId'), () => secretOf(job, 'clientSecret')]) {
    t.throws(read, {instanceOf: TroubleError});
  }
});
