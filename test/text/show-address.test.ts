import test from 'ava';
import {HIDDEN, showAddress} from '../../src/text/show-address.ts';

const rows: readonly [kind: Parameters<typeof showAddress>[1], address: string, shown: string][] = [
  ['server', 'http://proxy:3128', 'http://proxy:3128'],
  ['server', 'proxy:3128', 'http://proxy:3128'],
  ['server', 'http://[::1]:3128/', 'http://[::1]:3128'],
  ['server', String.raw`http://CORP\jdoe:CANARY12@127.0.0.1:9`, 'http://127.0.0.1:9'],
  ['server', String.raw`http://dom\puser:CANARY12@TWO@127.0.0.1:9`, 'http://127.0.0.1:9'],
  ['server', 'http://me:CANARY12@proxy/CANARY34', 'http://proxy'],
  ['server', 'http://me:a?CANARY12@proxy', HIDDEN],
  ['server', 'http://me:a#CANARY12@proxy', HIDDEN],
  ['server', 'http://proxy/?a=b@CANARY12', HIDDEN],
  ['server', 'http://me:CANARY12', HIDDEN],
  ['server', 'http://me:99999', HIDDEN],
  ['server', '', HIDDEN],
  [
    'remote',
    'https://dev.azure.com/contoso/p/_git/r?token=CANARY12',
    'https://dev.azure.com/contoso/p/_git/r',
  ],
  ['remote', 'https://dev.azure.com/contoso/p/_git/r/CANARY12', 'https://dev.azure.com/contoso/p/_git/r'],
  ['remote', 'https://x:p@ss/CANARY12@dev.azure.com/contoso/p', 'https://dev.azure.com/contoso/p'],
  [
    'remote',
    'https://contoso@dev.azure.com/contoso/p%20q/_git/r',
    'https://dev.azure.com/contoso/p%20q/_git/r',
  ],
  ['remote', 'https://dev.azure.com/contoso', 'https://dev.azure.com/contoso'],
  [
    'remote',
    'https://contoso.visualstudio.com/p/_git/_full/r',
    'https://contoso.visualstudio.com/p/_git/_full/r',
  ],
  ['remote', 'https://azure.example.org/tfs/c/p/_git/r', 'https://azure.example.org/tfs/c/p/_git/r'],
  ['remote', 'https://git.example.org/CANARY12/r', 'https://git.example.org'],
  ['remote', 'https://dev.azure.com/a=CANARY12', 'https://dev.azure.com'],
  ['remote', 'git@ssh.dev.azure.com:v3/contoso/p/r', 'ssh.dev.azure.com:v3/contoso/p/r'],
  ['remote', 'ssh://git@ssh.dev.azure.com:22/v3/contoso/p/r', 'ssh://ssh.dev.azure.com:22/v3/contoso/p/r'],
  ['remote', 'git@git.example.org:CANARY12/r', 'git.example.org'],
  ['remote', 'dev.azure.com', 'dev.azure.com'],
  ['remote', '*.example.org:8443', '*.example.org:8443'],
  ['remote', '/srv/CANARY12', HIDDEN],
];

for (const [kind, address, shown] of rows)
  test(`the ${kind} ${JSON.stringify(address)} is shown as ${shown}`, (t) => {
    const seen = showAddress(address, kind);
    t.is(seen.shown, shown);
    const canaries = address.match(/CANARY\d\d/g) ?? [];
    for (const canary of canaries)
      t.true(
        seen.hidden.some((part) => part.includes(canary)),
        canary,
      );
  });

test('a password is among the hidden parts, encoded and decoded, and a shown name is not', (t) => {
  const {hidden} = showAddress('https://contoso:p%40ss%3Aword@dev.azure.com/contoso/p/_git/r', 'remote');
  for (const part of ['p%40ss%3Aword', 'p@ss:word']) t.true(hidden.includes(part), part);
  t.false(hidden.includes('contoso'));
});
