import {Console} from 'node:console';
import {Writable} from 'node:stream';
import {format, inspect} from 'node:util';
import test from 'ava';
import * as fc from '../helpers/any.ts';
import {Secret} from '../../src/secret/secret.ts';

const canary = 'canary-9d2e';

const ways: Readonly<Record<string, (secret: Secret) => string>> = {
  'a template': (secret) => `x ${secret as unknown as string}`,
  concatenation: (secret) => 'a' + secret,
  String: (secret) => String(secret),
  'toString()': (secret) => secret.toString(),
  JSON: (secret) => JSON.stringify({secret, list: [secret]}),
  'JSON of its entries': (secret) => JSON.stringify(Object.entries(secret)),
  inspect: (secret) => inspect(secret),
  'inspect of all there is': (secret) =>
    inspect({secret}, {depth: 9, showHidden: true, getters: true, showProxy: true}),
  'inspect without its own ways': (secret) =>
    inspect(secret, {customInspect: false, showHidden: true, depth: 9}),
  'format %s': (secret) => format('%s %s', secret, [secret]),
  'format %o %O %j': (secret) => format('%o %O %j', secret, secret, secret),
  'format %d %i %f': (secret) => format('%d %i %f', secret, secret, secret),
  console: (secret) => printed((to) => to.log('x', secret, {secret}, [secret])),
  'console.dir': (secret) => printed((to) => to.dir(secret, {showHidden: true, depth: 9})),
  'console.table': (secret) => printed((to) => to.table([{secret}, secret])),
  'the keys': (secret) => Reflect.ownKeys(secret).join() + Object.keys(secret).join(),
  'a copy': (secret) => inspect(structuredClone(secret), {showHidden: true}),
  spreading: (secret) => inspect(Object.assign({}, secret), {showHidden: true}),
  'an error': (secret) =>
    inspect(new Error(`failed with ${secret as unknown as string}`, {cause: secret}), {
      showHidden: true,
      depth: 9,
    }),
};

for (const [way, show] of Object.entries(ways)) {
  test(`${way} shows nothing of a secret`, (t) => {
    const shown = show(Secret.fromText(canary));
    for (const form of [canary, Buffer.from(canary).toString('base64'), Buffer.from(canary).toString('hex')])
      t.false(shown.includes(form), shown);
    t.false(shown.includes([...Buffer.from(canary)].join()), shown);
  });
}

for (const way of ['a template', 'JSON', 'inspect', 'console', 'format %s'] as const) {
  test(`${way} says that there is one`, (t) => {
    t.regex(ways[way]?.(Secret.fromText(canary)) ?? '', /\[redacted\]/);
  });
}

test('no way of printing shows a secret, whatever its bytes', (t) => {
  const secrets = fc.string({unit: 'binary', minLength: 12, maxLength: 40});
  const property = fc.property(secrets, (text) => {
    for (const show of Object.values(ways)) if (show(Secret.fromText(text)).includes(text)) return false;
    return true;
  });
  t.notThrows(() => fc.assert(property, {numRuns: 100}));
});

test('a secret leaves only through its own methods', (t) => {
  const secret = Secret.fromText('sécret');
  const target = new Uint8Array(9);
  secret.copyTo(target, 1);
  t.is(Buffer.from(target).toString(), '\0sécret\0');
  t.is(secret.revealText(), 'sécret');
  t.is(secret.length, 7);
});

test('a secret is compared byte by byte', (t) => {
  const secret = new Secret(Uint8Array.of(1, 2, 255));
  t.true(secret.equals(Uint8Array.of(1, 2, 255)));
  for (const other of [[1, 2, 254], [0, 2, 255], [1, 2], [1, 2, 255, 0], []])
    t.false(secret.equals(Uint8Array.from(other)));
  t.true(new Secret(new Uint8Array()).equals(new Uint8Array()));
});

test('an erased secret is zeros, equals nothing and cannot be read', (t) => {
  const bytes = Buffer.from(canary);
  const secret = new Secret(bytes);
  t.false(secret.erased);
  secret.erase();
  t.true(secret.erased);
  t.deepEqual(
    [...bytes],
    Array.from(canary, () => 0),
  );
  t.false(secret.equals(Buffer.from(canary)));
  t.false(secret.equals(Buffer.alloc(canary.length)));
  t.throws(() => secret.copyTo(new Uint8Array(99), 0), {message: 'an erased secret is not read'});
  t.throws(() => secret.revealText(), {message: 'an erased secret is not read'});
  secret.erase();
  t.true(secret.erased);
});

function printed(print: (to: Console) => void): string {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      text += chunk.toString();
      done();
    },
  });
  print(new Console(stream, stream));
  return text;
}

test('use lends a copy and overwrites it when the call returns, throws or settles', async (t) => {
  const secret = Secret.fromText('canary');
  const seen: Buffer[] = [];
  const keep = (bytes: Buffer) => {
    t.is(bytes.toString(), 'canary');
    seen.push(bytes);
  };
  secret.use(keep);
  t.throws(() =>
    secret.use((bytes) => {
      keep(bytes);
      throw new Error('failed');
    }),
  );
  const {promise, resolve} = Promise.withResolvers<void>();
  const used = secret.use(async (bytes) => {
    keep(bytes);
    await promise;
    t.is(bytes.toString(), 'canary');
  });
  resolve();
  await used;
  await t.throwsAsync(
    secret.use(async (bytes) => {
      keep(bytes);
      throw new Error('failed');
    }),
  );
  t.is(seen.length, 4);
  for (const bytes of seen) t.true(bytes.every((byte) => byte === 0));
  t.is(secret.revealText(), 'canary');
});

test('a copy outlives the secret that it came from', (t) => {
  const secret = Secret.fromText('canary');
  const copy = secret.copy();
  secret.erase();
  t.is(copy.revealText(), 'canary');
  t.throws(() => secret.use(() => undefined));
  t.throws(() => secret.copy());
});
