import {execFileSync} from 'node:child_process';
import {createPrivateKey, generateKeyPairSync, verify, type KeyObject} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {inspect} from 'node:util';

import test from 'ava';

import {makePrivateKey, readPrivateKey} from '../../../src/ssh/key/private-key.ts';
import {Secret} from '../../../src/secret/secret.ts';

const directory = mkdtempSync(join(tmpdir(), 'keys-'));
test.after.always(() => rmSync(directory, {recursive: true, force: true}));

/** A key file of `ssh-keygen`; its text, its public line, and what `ssh-keygen -l` calls it. */
function keygen(name: string, ...args: string[]) {
  const file = join(directory, name);
  execFileSync('ssh-keygen', ['-q', '-f', file, '-C', 'a comment', ...args]);
  const shown = execFileSync('ssh-keygen', ['-lf', `${file}.pub`], {encoding: 'utf8'});
  return {
    text: readFileSync(file, 'utf8'),
    publicLine: readFileSync(`${file}.pub`, 'utf8').trim(),
    fingerprint: shown.split(' ')[1] ?? '',
    bits: Number(shown.split(' ')[0]),
  };
}

const rsa = keygen('rsa', '-t', 'rsa', '-b', '2048', '-N', '');
const rsaObject = createPrivateKey(keygen('pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '').text);
const pkcs1 = rsaObject.export({type: 'pkcs1', format: 'pem'}).toString();
const pkcs8 = rsaObject.export({type: 'pkcs8', format: 'pem'}).toString();
const ed25519 = keygen('ed25519', '-t', 'ed25519', '-N', '');
const ecdsa = keygen('ecdsa', '-t', 'ecdsa', '-b', '384', '-N', '');
const short = generateKeyPairSync('rsa', {modulusLength: 1024})
  .privateKey.export({type: 'pkcs1', format: 'pem'})
  .toString();
const dsa = generateKeyPairSync('dsa', {modulusLength: 2048, divisorLength: 256}).privateKey;

const services = 'ssh.dev.azure.com';
const server = 'tfs.example.org';
const read = async (text: string, host: string) => readPrivateKey(Secret.fromText(text), host);

function pemOf(key: KeyObject): string {
  return key.export({type: 'pkcs8', format: 'pem'}).toString();
}

const accepted: readonly (readonly [what: string, text: string, host: string, type: string])[] = [
  ['OpenSSH', rsa.text, services, 'ssh-rsa'],
  ['PKCS#1', pkcs1, services, 'ssh-rsa'],
  ['PKCS#8', pkcs8, services, 'ssh-rsa'],
  [
    'PKCS#1 with Windows line ends and blanks around',
    `\n ${pkcs1.replaceAll('\n', '\r\n')} \n`,
    services,
    'ssh-rsa',
  ],
  ['OpenSSH with Windows line ends', rsa.text.replaceAll('\n', '\r\n'), services, 'ssh-rsa'],
  ['Ed25519 for a server', ed25519.text, server, 'ssh-ed25519'],
  ['ECDSA for a server', ecdsa.text, server, 'ecdsa-sha2-nistp384'],
  ['Ed25519 in PKCS#8 for a server', pemOf(generateKeyPairSync('ed25519').privateKey), server, 'ssh-ed25519'],
  ...(['256', '384', '521'] as const).flatMap((bits) => {
    const {privateKey} = generateKeyPairSync('ec', {namedCurve: `P-${bits}`});
    const sec1 = privateKey.export({type: 'sec1', format: 'pem'}).toString();
    const type = `ecdsa-sha2-nistp${bits}`;
    return [
      [`ECDSA of ${bits} bits in PKCS#8 for a server`, pemOf(privateKey), server, type],
      [`ECDSA of ${bits} bits in SEC1 for a server`, sec1, server, type],
    ] as const;
  }),
];

for (const [what, text, host, type] of accepted)
  test(`${what} is read as ${type}`, async (t) => {
    const reading = await read(text, host);
    t.is(reading.kind === 'key' ? reading.key.type : reading.reason, type);
  });

for (const [what, pair] of Object.entries({rsa, ed25519, ecdsa}))
  test(`the public half and the fingerprint of ${what} are OpenSSH's`, async (t) => {
    const reading = await read(pair.text, server);
    if (reading.kind !== 'key') return t.fail(reading.reason);
    t.is(reading.key.publicLine('a comment'), pair.publicLine);
    t.is(reading.key.fingerprint, pair.fingerprint);
    t.is(reading.key.size, pair.bits);
  });

const passphrase = /^the key has a passphrase/;
const encrypted = {type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret'} as const;
const refused: readonly (readonly [what: string, text: string, host: string, reason: RegExp])[] = [
  [
    'an OpenSSH key with a passphrase',
    keygen('locked', '-t', 'rsa', '-b', '2048', '-N', 'secret').text,
    services,
    passphrase,
  ],
  [
    'a PKCS#1 key with a passphrase',
    rsaObject.export({...encrypted, type: 'pkcs1'}).toString(),
    services,
    passphrase,
  ],
  ['a PKCS#8 key with a passphrase', rsaObject.export(encrypted).toString(), services, passphrase],
  ['a short RSA key', short, services, /^the RSA key is too short: 1024 bits/],
  [
    'Ed25519 for Azure DevOps',
    ed25519.text,
    services,
    /^Azure DevOps accepts only RSA keys, not ssh-ed25519$/,
  ],
  ['ECDSA for the old host', ecdsa.text, 'vs-ssh.visualstudio.com', /^Azure DevOps accepts only RSA keys/],
  [
    'DSA',
    dsa.export({type: 'pkcs8', format: 'pem'}).toString(),
    server,
    /^ssh does not use keys of this kind$/,
  ],
  ['the public half', rsa.publicLine, services, /^this is the public half$/],
  [
    'a certificate',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    services,
    /^this is a certificate/,
  ],
  [
    'a key of PuTTY',
    'PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n',
    services,
    /^the key is in PuTTY’s format$/,
  ],
  ['nothing', ' \n', services, /^the key is empty$/],
  [
    'a key with blanks for line breaks',
    rsa.text.trim().replaceAll('\n', ' '),
    services,
    /^the line breaks of the key are missing$/,
  ],
  [
    'a key with \\n for line breaks',
    rsa.text.replaceAll('\n', String.raw`\n`),
    services,
    /^the line breaks of the key are missing, \\n is written in their place$/,
  ],
  [
    'base64 of a key file',
    Buffer.from(rsa.text)
      .toString('base64')
      .replaceAll(/(.{76})/g, '$1\n'),
    services,
    /^this is base64 of a key file$/,
  ],
  ['a password', 'hunter2', services, /^the text is not a private key$/],
  [
    'a key without its end',
    rsa.text.split('\n').slice(0, 8).join('\n'),
    services,
    /^the text is not a complete private key$/,
  ],
  [
    'a key with a damaged middle',
    pkcs1.replace(/\n(.{20}).{24}/, '\n$1AAAAAAAAAAAAAAAAAAAAAAAA'),
    services,
    /not a complete private key$/,
  ],
];

for (const [what, text, host, reason] of refused)
  test(`${what} is rejected with a reason and a hint that do not quote it`, async (t) => {
    const reading = await read(text, host);
    if (reading.kind !== 'failed') return t.fail('it was taken');
    t.regex(reading.reason, reason);
    t.true(reading.hint.length > 10);
    for (const line of text.split('\n').filter((line) => line.length > 30))
      t.false(`${reading.reason}${reading.hint}`.includes(line));
  });

test('a new pair is RSA of 4096 bits, readable again, and signs with SHA-2 only', async (t) => {
  const {secret, key} = await makePrivateKey();
  t.is(key.type, 'ssh-rsa');
  t.is(key.size, 4096);
  t.deepEqual(key.algorithms, ['rsa-sha2-512', 'rsa-sha2-256']);
  const again = await readPrivateKey(secret, services);
  t.is(again.kind === 'key' ? again.key.fingerprint : '', key.fingerprint);
  const data = Buffer.from('what is to be signed');
  const pem = createPrivateKey(secret.revealText());
  t.true(verify('sha512', data, pem, await key.sign(data, 'rsa-sha2-512')));
  t.true(verify('sha256', data, pem, await key.sign(data, 'rsa-sha2-256')));
});

test('a key cannot be printed', async (t) => {
  const reading = await read(rsa.text, services);
  const shown = inspect(reading, {depth: 9, showHidden: true}) + JSON.stringify(reading);
  const object = createPrivateKey(pkcs8).export({format: 'jwk'});
  t.false(shown.includes('PRIVATE KEY'));
  t.false(shown.includes(String(object.d).slice(0, 40)));
});
