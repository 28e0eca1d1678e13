import test from 'ava';

import {parseSshRemote, repositoryAt, toHttpsRemote} from '../../src/organization/ssh-remote.ts';

const remotes: readonly (readonly [text: string, https: string | undefined])[] = [
  ['git@ssh.dev.azure.com:v3/contoso/Web/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  [
    'git@ssh.dev.azure.com:v3/Contoso/My%20Project/a%20b',
    'https://dev.azure.com/contoso/My%20Project/_git/a%20b',
  ],
  [
    'ssh://git@ssh.dev.azure.com/v3/contoso/My%20Project/site',
    'https://dev.azure.com/contoso/My%20Project/_git/site',
  ],
  ['ssh://git@ssh.dev.azure.com:22/v3/contoso/Web/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  ['contoso@vs-ssh.visualstudio.com:v3/contoso/Web/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  ['ssh://contoso@vs-ssh.visualstudio.com:22/Web/_ssh/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  [
    'ssh://contoso@vs-ssh.visualstudio.com/DefaultCollection/_ssh/site',
    'https://dev.azure.com/contoso/site/_git/site',
  ],
  ['git@ssh.dev.azure.com:v3/contoso/Web', undefined],
  ['git@ssh.dev.azure.com:contoso/Web/site', undefined],
  ['https://dev.azure.com/contoso/Web/_git/site', undefined],
  ['/a/path', undefined],
  ['ssh.dev.azure.com:v3/contoso/Web/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  ['ssh://ssh.dev.azure.com/v3/contoso/Web/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  ['git@ssh.dev.azure.com:v3/contoso/Web/site/', 'https://dev.azure.com/contoso/Web/_git/site'],
  ['contoso@vs-ssh.visualstudio.com:Web/_git/_full/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  ['contoso@vs-ssh.visualstudio.com:Web/_ssh/_optimized/site', 'https://dev.azure.com/contoso/Web/_git/site'],
  ['a ssh://git@ssh.dev.azure.com/v3/contoso/Web/site', undefined],
  ['/git@ssh.dev.azure.com:v3/contoso/Web/site', undefined],
  ['ftp://git@ssh.dev.azure.com:v3/contoso/Web/site', undefined],
  ['git@vs-ssh.visualstudio.com:Web/_ssh/site', undefined],
  ['contoso@ssh.dev.azure.com:Web/_ssh/site', undefined],
  ['contoso@vs-ssh.visualstudio.com:Web/site', undefined],
  ['contoso@vs-ssh.visualstudio.com:Web/Team/_ssh/site', undefined],
  ['contoso@vs-ssh.visualstudio.com:Web/_ssh/site/more', undefined],
  ['git@ssh.dev.azure.com:v3/contoso/Web/.', undefined],
  ['git@ssh.dev.azure.com:v3/contoso/../site', undefined],
  ['git@ssh.dev.azure.com:v3/contoso//site', undefined],
  ['git@ssh.dev.azure.com:v3/contoso/Web/%E0%A4%A', undefined],
  ['git@ssh.dev.azure.com:v3/contoso/Web/100%25a', 'https://dev.azure.com/contoso/Web/_git/100%25a'],
  ['git@ssh.dev.azure.com:v3/contoso/Web/100%2541', undefined],
  ['git@tfs.example.org:../Web/_git/site', undefined],
  ['', undefined],
  ['ssh://git@ssh.dev.azure.com/v3/contoso/Web/%E0%A4%A', undefined],
  ['git@ssh.dev.azure.com:v3/contoso/Web/a\nb', undefined],
];

for (const [text, https] of remotes)
  test(`${JSON.stringify(text)} is ${String(https)} over HTTPS`, (t) => {
    const remote = parseSshRemote(text);
    const found = remote && repositoryAt(remote);
    t.is(found?.kind === 'repository' ? toHttpsRemote(found) : undefined, https);
  });

test('a server keeps its name and port', (t) => {
  const remote = parseSshRemote('ssh://git@tfs.example.org:2222/tfs/Main%20Collection/Web/_git/site');
  t.deepEqual(remote, {
    host: 'tfs.example.org',
    port: 2222,
    username: 'git',
    path: '/tfs/Main Collection/Web/_git/site',
  });
  const found = remote && repositoryAt(remote);
  t.is(
    found?.kind === 'repository' ? toHttpsRemote(found, 'tfs.example.org:8443') : undefined,
    'https://tfs.example.org:8443/main%20collection/Web/_git/site',
  );
});

test('a remote to an IPv6 address keeps it, and needs no user name', (t) => {
  t.deepEqual(parseSshRemote('ssh://[2001:db8::1]:22/a/b'), {
    host: '[2001:db8::1]',
    port: 22,
    username: undefined,
    path: '/a/b',
  });
});
