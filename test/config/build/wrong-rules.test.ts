import {CLIENT, CONNECTION, TENANT, on} from '../../helpers/configurations.ts';
import {testRefused} from '../../helpers/refused.ts';

testRefused([
  [
    'a certificate that is a PFX',
    on(`clientId: ${CLIENT}\nclientCertificate: MIIK\ntenantId: ${TENANT}`),
    ['6:30 the client certificate must be PEM with the certificate and its key'],
  ],
  [
    'a certificate without its key',
    on(`clientId: ${CLIENT}\nclientCertificate: "-----BEGIN CERTIFICATE-----"\ntenantId: ${TENANT}`),
    ['6:30 the client certificate’s PEM has no private key'],
  ],
  [
    'an unknown pipeline',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: gitlab`),
    ['7:17 oidc must be github-actions or azure-pipelines'],
  ],
  [
    'Azure Pipelines without a service connection',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: azure-pipelines`),
    ['7:17 oidc: azure-pipelines needs serviceConnectionId'],
  ],
  [
    'GitHub with a service connection',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: github-actions\nserviceConnectionId: ${CONNECTION}`),
    ['8:32 serviceConnectionId is for oidc: azure-pipelines only'],
  ],
  [
    'a kind that is switched off',
    on('azureCli: false'),
    ['5:21 azureCli can only be true: leave the credential out instead'],
  ],
  ['an unknown environment', on('environment: bash'), ['5:24 environment must be terraform or azure']],
  ['an unknown way to sign in', on('signIn: fax'), ['5:19 signIn must be browser or device-code']],
  [
    'an issuer and a tenant',
    on(`signIn: browser\nissuer: https://a.example/\ntenantId: ${TENANT}`),
    ['7:21 use issuer or tenantId, not both: the issuer names the tenant'],
  ],
  [
    'an issuer without TLS',
    on('signIn: browser\nissuer: http://a.example/'),
    ['6:19 issuer must be an https address without query'],
  ],
  [
    'a secret without its app',
    on('signIn: browser\nclientSecret: a'),
    ['6:25 clientSecret needs the clientId of the app that it belongs to'],
  ],
  [
    'a scope with a space',
    on('signIn: browser\nscopes: [a b]'),
    ['6:20 scopes must be without spaces, quotes and backslashes, one to an item'],
  ],
  [
    'hosts that are not a list',
    'integrations:\n  azure:\n    host: dev.azure.com\n',
    ['3:5 azure must be a list: begin each host with a hyphen'],
  ],
  ['a credential that is text', on('abc'), ['5:11 a credential must be a mapping']],
  ['a file that is a list', '- a\n', ['1:1 the file must be a mapping: integrations:, orgkey:']],
  ['settings that are text', 'orgkey: abc\n', ['1:9 orgkey must be a mapping']],
  [
    'settings of the wrong type',
    `orgkey:
  prefetch: yes
  onFailure: stop
  idleExit: 10
  entra: {authorityHost: http://a.example, disableInstanceDiscovery: 1}
  sockets: {name: a}
  metrics: {listen: "0.0.0.0:80"}
  audit: {maxSize: 1KiB, files: 0}
`,
    [
      '2:13 prefetch must be true or false',
      '3:14 onFailure must be quit or pass',
      '4:13 YAML reads this as a number: put quotes around it',
      '5:26 authorityHost must be an https address without query',
      '5:70 disableInstanceDiscovery must be true or false',
      '6:12 sockets must be a list',
      '7:21 listen must be off, a loopback address with a port as in 127.0.0.1:9464, or the absolute path of a socket',
      '8:20 maxSize must be a size of at least 4KiB, as in 500KiB or 10MiB',
      '8:33 files must be a number from 1 to 1000',
    ],
  ],
  [
    'bad sockets',
    `orgkey:
  sockets:
    - {name: A_b, organizations: [a]}
    - {name: a, organizations: []}
    - {name: b, organizations: [a], mode: 0660}
    - {name: b, organizations: [a], mode: "0700"}
    - {name: c, organizations: [a], mode: "0060", group: a b}
    - {organizations: [a]}
    - {name: git, organizations: [a]}
`,
    [
      '3:14 name must be lower-case letters, digits and hyphens, 31 at most',
      '4:32 organizations must name at least one',
      '5:43 YAML reads this as a number: put quotes around it',
      '6:14 a second socket of this name, the first is at 5:14',
      '6:43 mode must be as in "0600", "0660" or "0666"',
      '7:43 mode must be as in "0600", "0660" or "0666"',
      '7:58 group must be the name or the number of a group',
      '8:7 name is missing',
      '9:14 name cannot be git: the main socket has that name',
    ],
  ],
  [
    'a holder of keys, which was removed',
    'orgkey: {ssh: {keyHolder: agent}}\n',
    ['1:16 keyHolder was removed: a submodule key can be in your own ssh-agent instead'],
  ],
  [
    'submodule keys in an ssh-agent, written wrongly',
    `orgkey:
  submodules:
    - {organizations: [a], privateKey: {$agent: SSH_AUTH_SOCK}}
    - {organizations: [b], privateKey: {$agent: SSH_AUTH_SOCK, publicKey: ssh-rsa AAAA}}
    - {organizations: [c], privateKey: {$agent: /a, publicKey: ssh-rsa AAAA, more: 1}}
`,
    [
      '3:40 $agent must be followed by publicKey, and by no other key',
      '4:49 the variable SSH_AUTH_SOCK is not set',
      '5:40 $agent must be followed by publicKey, and by no other key',
    ],
  ],
  [
    'bad submodules',
    `orgkey:
  submodules:
    - {organizations: [a], privateKey: {$file: nope}}
    - {organizations: [b], privateKey: k, repositories: [a, a/b/c]}
    - {organizations: [b], privateKey: k, repositories: [a/b], host: "a b"}
    - {organizations: [A], privateKey: k}
    - {privateKey: k}
    - {organizations: [c]}
`,
    [
      '3:48 the file ./nope does not exist',
      '4:58 repositories must be PROJECT/REPOSITORY, with * for any run of characters',
      '4:61 repositories must be PROJECT/REPOSITORY, with * for any run of characters',
      '5:70 host must be the ssh name of a host, as in ssh.dev.azure.com',
      '6:7 a second key for the same organization and host, the first is at 3:7',
      '7:7 organizations is missing',
      '8:7 privateKey is missing',
    ],
  ],
  [
    'a gateway without repositories',
    'orgkey:\n  gateways:\n    - {name: a}\n',
    ['3:7 repositories is missing'],
  ],
  [
    'a gateway with an empty list',
    'orgkey:\n  gateways:\n    - {name: a, repositories: []}\n',
    ['3:31 repositories must name at least one'],
  ],
  [
    'a socket for a gateway that is missing',
    'orgkey:\n  sockets:\n    - {name: a, organizations: [], gateway: b}\n',
    ['3:45 gateway names no gateway: b'],
  ],
  [
    'a socket for a gateway without a port',
    'orgkey:\n  sockets:\n    - {name: a, organizations: [], gateway: b}\n  gateways:\n    - {name: b, repositories: [a/b/c]}\n',
    ['3:45 gateway names a gateway without `listen`: b'],
  ],
  [
    'a gateway whose name a socket has for systemd',
    'orgkey:\n  sockets:\n    - {name: gateway-b, organizations: [a]}\n  gateways:\n    - {name: b, repositories: [a/b/c]}\n',
    ['5:14 the socket gateway-b has this name for systemd, it is at 3:14'],
  ],
  [
    'two gateways of one name',
    'orgkey:\n  gateways:\n    - {name: a, repositories: [a/b/c]}\n    - {name: a, repositories: [a/b/c]}\n',
    ['4:14 a second gateway of this name, the first is at 3:14'],
  ],
  [
    'a gateway that listens beyond the machine',
    'orgkey:\n  gateways:\n    - {name: a, repositories: [a/b/c], listen: localhost.example.com:9468}\n',
    ['3:48 listen must be off, or a loopback address with a port as in 127.0.0.1:9468'],
  ],
  [
    'a gateway on every address',
    'orgkey:\n  gateways:\n    - {name: a, repositories: [a/b/c], listen: 0.0.0.0:9468}\n',
    ['3:48 listen must be off, or a loopback address with a port as in 127.0.0.1:9468'],
  ],
  [
    'a ref that is not a full one',
    'orgkey:\n  gateways:\n    - {name: a, repositories: [a/b/c], push: [main]}\n',
    ['3:47 push must be a full ref, with * for any run of characters'],
  ],
]);
