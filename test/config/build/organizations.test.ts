import {on} from '../../helpers/configurations.ts';
import {testRefused} from '../../helpers/refused.ts';

testRefused([
  [
    'an organization twice, whatever the case',
    `integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso, CONTOSO], clientId: system-assigned}
        - {organizations: [fabrikam, Contoso], personalAccessToken: a}
    - host: contoso.visualstudio.com
      credentials: [{personalAccessToken: a}]
    - host: Fabrikam.visualstudio.com
      credentials: [{organizations: [fabrikam], personalAccessToken: a}]
`,
    [
      '5:37 the organization contoso is listed twice, first at 5:28',
      '6:38 the organization contoso is listed twice, first at 5:28',
      '8:21 the organization contoso is listed twice, first at 5:28',
      '10:38 the organization fabrikam is listed twice, first at 6:28',
    ],
  ],
  [
    'a collection twice',
    on('organizations: [A b, a B]\npersonalAccessToken: x', 'server.example.org'),
    ['5:32 the collection a b is listed twice, first at 5:27'],
  ],
  [
    'two fallbacks, an empty list counting as none',
    `integrations:
  azure:
    - credentials:
        - clientId: system-assigned
        - organizations: []
          personalAccessToken: a
    - host: dev.azure.com
      credentials: [{azureCli: true}]
    - host: server.example.org
      credentials: [{personalAccessToken: a}, {personalAccessToken: b}]
`,
    [
      '5:11 a second credential without organizations for the same host, the first is at 4:11',
      '8:21 a second credential without organizations for the same host, the first is at 4:11',
      '10:47 a second credential without organizations for the same host, the first is at 10:21',
    ],
  ],
  [
    'Entra on a server',
    on('clientId: system-assigned', 'server.example.org'),
    ['5:11 only personalAccessToken and stored are possible on hosts other than dev.azure.com'],
  ],
  [
    'a token for every host',
    on('personalAccessToken: a', '"*"'),
    ['5:11 on the host * only stored: true is possible'],
  ],
  [
    'organizations of every host',
    on('stored: true\norganizations: [a]', '"*"'),
    ['6:26 the host * has no organizations'],
  ],
  [
    'another organization than the host’s',
    on('clientId: system-assigned\norganizations: [fabrikam]', 'contoso.visualstudio.com'),
    ['6:27 the host names another organization'],
  ],
  ...['dev..azure.com', 'a b', 'dev.azure.com:0', '-a.example.org', 'ex*mple.org', 'user@host'].map(
    (host) =>
      [
        `the host ${host}`,
        on('personalAccessToken: a', JSON.stringify(host)),
        ['3:13 host is not a valid host name'],
      ] as const,
  ),
  ...[
    'ssh.dev.azure.com',
    'dev.azure.com:8443',
    'vs-ssh.visualstudio.com',
    'visualstudio.com',
    'a.b.visualstudio.com',
    'pkgs.dev.azure.com',
  ].map(
    (host) =>
      [
        `the host ${host}`,
        on('personalAccessToken: a', host),
        ['3:13 host is not a host of Azure DevOps that serves git'],
      ] as const,
  ),
  [
    'the host -a.visualstudio.com',
    on('personalAccessToken: a', 'a_b.visualstudio.com'),
    ['3:13 host does not begin with the name of an organization'],
  ],
  [
    'names that no organization has',
    on('clientId: system-assigned\norganizations: [a b, -a, a_b, "", ünï, \u212a]'),
    [
      '6:27 invalid organization name: use up to 50 letters, digits and hyphens',
      '6:32 invalid organization name: use up to 50 letters, digits and hyphens',
      '6:36 invalid organization name: use up to 50 letters, digits and hyphens',
      '6:41 invalid organization name: use up to 50 letters, digits and hyphens',
      '6:45 invalid organization name: use up to 50 letters, digits and hyphens',
      '6:50 invalid organization name: use up to 50 letters, digits and hyphens',
    ],
  ],
  [
    'names that no collection has',
    on('personalAccessToken: a\norganizations: [a/b, .., ""]', 'server.example.org'),
    ['6:27 invalid collection name', '6:32 invalid collection name', '6:36 invalid collection name'],
  ],
  [
    'organizations that are not a list',
    on('clientId: system-assigned\norganizations: contoso'),
    ['6:26 organizations must be a list'],
  ],
]);
