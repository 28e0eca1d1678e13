import {gzipSync} from 'node:zlib';
import test from 'ava';
import * as fc from '../../helpers/any.ts';
import {PushHeadError, readPushHead, type PushHead} from '../../../src/gateway/rule/push-commands.ts';
import {deniedRefs, pushReport} from '../../../src/gateway/rule/push-report.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const ZERO = '0'.repeat(40);

function packet(text: string): Buffer {
  return Buffer.from(`${(Buffer.byteLength(text) + 4).toString(16).padStart(4, '0')}${text}`);
}

function push(...lines: readonly string[]): Buffer {
  return Buffer.concat([...lines.map(packet), Buffer.from('0000')]);
}

async function read(
  bytes: Buffer,
  {encoding, step = bytes.length || 1}: {encoding?: string; step?: number} = {},
): Promise<PushHead> {
  let at = 0;
  const next = async () => (at < bytes.length ? bytes.subarray(at, (at += step)) : undefined);
  return (await readPushHead({next}, encoding)).head;
}

const commands = push(
  `${ZERO} ${A} refs/heads/new\0 report-status side-band-64k agent=git/2.47.3\n`,
  `${A} ${B} refs/heads/old`,
  `${A} ${ZERO} refs/heads/gone`,
);

for (const [title, bytes, options] of [
  ['at once', commands, {}],
  ['byte by byte', commands, {step: 1}],
  ['with a pack behind', Buffer.concat([commands, Buffer.from('PACK…')]), {}],
  ['compressed', gzipSync(commands), {encoding: 'gzip'}],
  ['compressed, byte by byte', gzipSync(commands), {encoding: 'gzip', step: 1}],
] as const)
  test(`the commands of a push are read ${title}`, async (t) => {
    const head = await read(Buffer.from(bytes), options);
    t.deepEqual(head.commands, [
      {ref: 'refs/heads/new', kind: 'create'},
      {ref: 'refs/heads/old', kind: 'update'},
      {ref: 'refs/heads/gone', kind: 'delete'},
    ]);
    t.true(head.capabilities.has('side-band-64k'));
  });

test('a push of a shallow clone and a push without commands are read', async (t) => {
  t.is((await read(push(`shallow ${A}`, `${ZERO} ${A} refs/heads/x\0report-status`))).commands.length, 1);
  t.is((await read(Buffer.from('0000'))).commands.length, 0);
});

for (const [title, bytes] of [
  ['a signed push', push(`push-cert\0 report-status\n`)],
  ['a line that is not a command', push('hello')],
  ['a second list of capabilities', push(`${ZERO} ${A} refs/heads/x\0a`, `${ZERO} ${A} refs/heads/y\0b`)],
  ['a length that is not hexadecimal', Buffer.from('zzzz')],
  ['an impossible length', Buffer.from('0003')],
  ['a line longer than git allows', Buffer.from('fff5')],
  ['object names of two lengths', push(`${ZERO} ${'a'.repeat(64)} refs/heads/x`)],
  ['a ref outside refs/', push(`${ZERO} ${A} HEAD`)],
  ['a ref with two dots', push(`${ZERO} ${A} refs/heads/../main`)],
  ['a ref with a blank', push(`${ZERO} ${A} refs/heads/a b`)],
  ['a ref with a line end', push(`${ZERO} ${A} refs/heads/a\nb`)],
  ['a ref that ends in .lock', push(`${ZERO} ${A} refs/heads/main.lock`)],
  ['a ref with an escape', push(`${ZERO} ${A} refs/heads/\u001b[31m`)],
] as const)
  test(`${title} is not carried`, async (t) => {
    await t.throwsAsync(read(bytes), {instanceOf: PushHeadError});
  });

test('what is not compressed as it says is not carried', async (t) => {
  await t.throwsAsync(read(commands, {encoding: 'gzip'}), {instanceOf: PushHeadError});
  await t.throwsAsync(read(commands, {encoding: 'br'}), {instanceOf: PushHeadError});
});

test('a list of commands that does not end is not read for ever', async (t) => {
  const line = packet(`${A} ${B} refs/heads/${'x'.repeat(1000)}`);
  const refusal = {instanceOf: PushHeadError, message: /longer than|more than/};
  await t.throwsAsync(readPushHead({next: async () => line}, undefined), refusal);
  const many = Buffer.concat(Array.from({length: 9000}, () => line));
  await t.throwsAsync(read(gzipSync(many), {encoding: 'gzip'}), refusal);
});

test('no bytes make the reader fail in another way, or find a ref that is not there', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({maxLength: 200}), fc.boolean(), async (bytes, isBehind) => {
      const all = isBehind
        ? Buffer.concat([packet(`${ZERO} ${A} refs/heads/x\0y`), bytes])
        : Buffer.from(bytes);
      try {
        const head = await read(all);
        for (const {ref} of head.commands) t.regex(ref, /^refs\//);
      } catch (error) {
        t.true(error instanceof PushHeadError);
      }
    }),
  );
});

const rule = {repositories: [], push: ['refs/heads/agents/*'], deletions: false, lfs: true};

test('one ref outside the rule denies the whole push, and each ref gets a reason', async (t) => {
  const head = await read(
    push(
      `${ZERO} ${A} refs/heads/agents/a\0report-status`,
      `${ZERO} ${A} refs/heads/main`,
      `${A} ${ZERO} refs/heads/agents/b`,
    ),
  );
  const denied = deniedRefs(head, rule);
  t.deepEqual([...denied.keys()], ['refs/heads/main', 'refs/heads/agents/b']);
  const reasonFor = (ref: string) => denied.get(ref) ?? 'not sent';
  const report = pushReport(head, {reasonFor, lines: []})?.toString() ?? '';
  t.true(report.includes('ng refs/heads/agents/a orgkey: not sent'));
  t.true(report.includes('ng refs/heads/main orgkey: not among'));
  t.true(report.includes('ng refs/heads/agents/b orgkey: this gateway does not allow deletions'));
});

test('a push within the rule is not denied', async (t) => {
  const head = await read(push(`${ZERO} ${A} refs/heads/agents/a\0report-status`));
  t.is(deniedRefs(head, rule).size, 0);
  const withDeletions = await read(push(`${A} ${ZERO} refs/heads/agents/a\0report-status`));
  t.is(deniedRefs(withDeletions, {...rule, deletions: true}).size, 0);
});

test('the report of 1,000 refs is cut into side-band packets', async (t) => {
  const lines = Array.from(
    {length: 1000},
    (_, at) =>
      `${ZERO} ${A} refs/heads/${'x'.repeat(100)}${at}${at === 0 ? '\0report-status side-band-64k' : ''}`,
  );
  const head = await read(push(...lines));
  const denied = deniedRefs(head, rule);
  const report = pushReport(head, {reasonFor: (ref) => denied.get(ref) ?? '', lines: ['hint: ask']});
  if (report === undefined) return t.fail();
  for (let at = 0; at < report.length;) {
    const length = Number.parseInt(report.toString('latin1', at, at + 4), 16);
    t.true(length <= 65_520);
    at += length === 0 ? 4 : length;
  }
});
