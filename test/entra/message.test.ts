import * as fc from '../helpers/any.ts';
import test from 'ava';
import {fieldOf, jobFrom, messageOf, secretOf, type TimedJob} from '../../src/entra/job.ts';
import {decodeMessage, encodeMessage} from '../../src/entra/message.ts';
import {AcquirerError} from '../../src/entra/failure.ts';

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

test('any bytes after a valid head are decoded only if the lengths add up', (t) => {
  const length = fc.oneof(fc.integer({min: -3, max: 60}), fc.double(), fc.string());
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({maxLength: 5}), length, {maxKeys: 4, noNullPrototype: true}),
      fc.uint8Array({maxLength: 100}),
      (lengths, bytes) => {
        const head = Buffer.from(`${JSON.stringify({secrets: lengths})}\n`);
        const parsed: unknown[] = Object.values(JSON.parse(JSON.stringify(lengths)) as object);
        const isWhole =
          parsed.every((each) => Number.isInteger(each) && Number(each) >= 0) &&
          parsed.reduce((sum: number, each) => sum + Number(each), 0) === bytes.length;
        t.is(decodeMessage(Buffer.concat([head, bytes])) !== undefined, isWhole);
      },
    ),
    {numRuns: 1000},
  );
});

test('the decoder takes any bytes', (t) => {
  t.notThrows(() =>
    fc.assert(fc.property(fc.uint8Array({maxLength: 200}), (bytes) => void decodeMessage(bytes))),
  );
});

for (const [title, text] of [
  ['no line end', '{"secrets":{}}'],
  ['no JSON', 'hello\n'],
  ['a list', '[]\n'],
  ['no lengths', '{}\n'],
  ['a length in quotes', '{"secrets":{"a":"1"}}\nx'],
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

const job: TimedJob = {
  task: 'refresh',
  fields: {clientId: 'x'},
  secrets: {refreshToken: Buffer.from('y')},
  time: 7,
};

test('a job arrives as it was sent', (t) => {
  const message = decodeMessage(encodeMessage(messageOf(job)));
  t.deepEqual(message && jobFrom(message), {
    ...job,
    secrets: {refreshToken: new Uint8Array(Buffer.from('y'))},
  });
});

for (const head of [
  {},
  {task: 7, fields: {}, time: 1},
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
    t.throws(read, {instanceOf: AcquirerError});
  }
});
