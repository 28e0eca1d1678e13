import {basename} from 'node:path';
import test from 'ava';
import {PEM, environment, files, revealed} from '../../helpers/configurations.ts';
import {loadText, soundIn} from '../../helpers/load-text.ts';

const settings = {
  prefetch: true,
  onFailure: 'quit',
  plainStore: 'warn',
  idleExit: undefined,
  entra: {authorityHost: 'https://login.microsoftonline.com', disableInstanceDiscovery: false},
  sockets: [],
  gateways: [],
  submodules: [],
  ssh: {proxyCommand: undefined},
  metrics: {listen: undefined},
  audit: {maxSize: 10_485_760, files: 5, days: undefined, required: false},
};

test('every setting has its default', async (t) => {
  for (const text of [
    '',
    '# nothing\n',
    'orgkey:\n',
    'orgkey: {}\n',
    'integrations: {azure: []}\n',
    'x: 1\n',
  ])
    t.like(soundIn(t, await loadText(t, text)).settings, settings, text);
});

test('every setting is read', async (t) => {
  const text = `orgkey:
  prefetch: false
  onFailure: pass
  plainStore: accept
  idleExit: 10m
  entra: {authorityHost: "https://login.example:8443/", disableInstanceDiscovery: true}
  sockets:
    - {name: team-a, organizations: [Contoso, contoso], mode: "0660", group: builders}
    - {name: b, organizations: ["\${ORGANIZATION}"]}
  gateways:
    - {name: all, repositories: [Contoso/Web/*]}
    - name: agents
      repositories: [contoso/*/*, tfs.example.com/tfs-collection/a/b]
      push: [refs/heads/agents/*]
      deletions: true
      lfs: false
      listen: 127.0.0.1:9468
      mode: "0660"
      group: builders
  submodules:
    - organizations: [Contoso]
      privateKey: {$file: secret}
    - organizations: [Northwind]
      host: SSH.dev.azure.com:22
      privateKey: {$file: secret}
    - organizations: [Fabrikam]
      host: SSH.example.org:2222
      privateKey: {$file: deep/cert.pem}
      repositories: [tools/*, "a b/c"]
      knownHosts: ssh.example.org ssh-rsa AAAA
  ssh: {proxyCommand: "nc %h %p"}
  metrics: {listen: "127.0.0.1:9464"}
  audit: {maxSize: 500KiB, files: 2, days: 30, required: true}
`;
  const {settings, warnings} = soundIn(t, await loadText(t, text, {environment, files}));
  const {submodules, ...others} = settings;
  t.like(others, {
    prefetch: false,
    onFailure: 'pass',
    plainStore: 'accept',
    idleExit: 600_000,
    entra: {authorityHost: 'https://login.example:8443', disableInstanceDiscovery: true},
    sockets: [
      {name: 'team-a', organizations: ['contoso'], mode: 0o660, group: 'builders', gateway: undefined},
      {name: 'b', organizations: ['contoso'], mode: 0o600, group: undefined, gateway: undefined},
    ],
    gateways: [
      {
        name: 'all',
        rule: {
          repositories: [{host: undefined, organization: 'contoso', project: 'web', repository: '*'}],
          push: [],
          deletions: false,
          lfs: true,
        },
        listen: undefined,
        mode: 0o600,
        group: undefined,
      },
      {
        name: 'agents',
        rule: {
          repositories: [
            {host: undefined, organization: 'contoso', project: '*', repository: '*'},
            {host: 'tfs.example.com', organization: 'tfs-collection', project: 'a', repository: 'b'},
          ],
          push: ['refs/heads/agents/*'],
          deletions: true,
          lfs: false,
        },
        listen: {host: '127.0.0.1', port: 9468},
        mode: 0o660,
        group: 'builders',
      },
    ],
    ssh: {proxyCommand: 'nc %h %p'},
    metrics: {listen: '127.0.0.1:9464'},
    audit: {maxSize: 512_000, files: 2, days: 30, required: true},
  });
  t.deepEqual(
    submodules.map((rule) => ({
      ...rule,
      place: '',
      privateKey: revealed(rule.privateKey),
      keyFile: basename(rule.keyFile ?? ''),
    })),
    [
      {
        organizations: ['contoso'],
        host: 'ssh.dev.azure.com',
        privateKey: 'from a file',
        keyFile: 'secret',
        repositories: [],
        knownHosts: undefined,
        place: '',
      },
      {
        organizations: ['northwind'],
        host: 'ssh.dev.azure.com',
        privateKey: 'from a file',
        keyFile: 'secret',
        repositories: [],
        knownHosts: undefined,
        place: '',
      },
      {
        organizations: ['fabrikam'],
        host: 'ssh.example.org:2222',
        privateKey: PEM.trim(),
        keyFile: 'cert.pem',
        repositories: ['tools/*', 'a b/c'],
        knownHosts: 'ssh.example.org ssh-rsa AAAA',
        place: '',
      },
    ],
  );
  t.is(warnings.length, 2);
});
