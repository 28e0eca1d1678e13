import {TENANT, on} from '../../helpers/configurations.ts';
import {testRefused} from '../../helpers/refused.ts';

testRefused([
  [
    'invalid GUIDs',
    on(`clientId: 1234\nclientSecret: a\ntenantId: contoso.example`),
    ['5:21 YAML reads this as a number: put quotes around it', '7:21 tenantId must be a GUID'],
  ],
  [
    'an invalid GUID from a variable',
    on('clientId: ${ORGANIZATION}\nclientSecret: a\ntenantId: {$env: ORGANIZATION}'),
    ['5:21 clientId must be a GUID', '7:21 tenantId must be a GUID'],
  ],
  [
    'a managed identity that is not a GUID',
    on('clientId: system-assigne'),
    ['5:21 clientId must be a GUID or system-assigned'],
  ],
  [
    'system-assigned where an application is meant',
    on(`clientId: system-assigned\nclientSecret: a\ntenantId: ${TENANT}`),
    ['5:21 clientId must be a GUID'],
  ],
  [
    'the removed token and credential',
    'integrations:\n  azure:\n    - host: dev.azure.com\n      token: abc\n      credential:\n        clientId: x\n',
    ['4:7 token was removed: use credentials', '5:7 credential was removed: use credentials'],
  ],
  [
    'variables that are missing',
    on('clientId: ${NOT_SET}\nclientSecret: {$env: NOT_SET_EITHER}\ntenantId: a${not_shown}b'),
    [
      '5:21 the variable NOT_SET is not set',
      '6:32 the variable NOT_SET_EITHER is not set',
      '7:21 a variable is not set',
    ],
  ],
  ['a variable that is empty', on('personalAccessToken: ${BLANK}'), ['5:32 the secret is empty']],
  [
    'a file that is missing',
    on('personalAccessToken: {$file: ./not/there}'),
    ['5:40 the file ./not/there does not exist'],
  ],
  [
    'a file that is empty',
    on('personalAccessToken: {$file: empty}'),
    ['5:32 the secret in ./empty is empty'],
  ],
  [
    'a file that is a directory',
    on('personalAccessToken: {$file: deep}'),
    ['5:40 the file ./deep is not a regular file'],
  ],
  [
    'a token of two lines',
    on('personalAccessToken: {$file: lines}'),
    ['5:32 the secret in ./lines has a line break or a control character in it'],
  ],
  [
    'a token with a NUL',
    on('personalAccessToken: "a\\0b"'),
    ['5:32 the secret has a line break or a control character in it'],
  ],
  ...['0123456789', '0x1F', '1e5', '.inf', '-7', '0o17'].map(
    (number) =>
      [
        `a secret that YAML reads as a number: ${number}`,
        on(`personalAccessToken: ${number}`),
        ['5:32 YAML reads this as a number: put quotes around it'],
      ] as const,
  ),
  [
    'a secret that YAML reads as true',
    on('personalAccessToken: true'),
    ['5:32 YAML reads this as true or false: put quotes around it'],
  ],
  [
    'an organization that YAML reads as a number',
    on('clientId: system-assigned\norganizations: [2024, a]'),
    ['6:27 YAML reads this as a number: put quotes around it'],
  ],
  ['a secret that is missing', on('personalAccessToken:'), ['5:11 personalAccessToken has no value']],
  ['a secret that is null', on('personalAccessToken: ~'), ['5:11 personalAccessToken has no value']],
  [
    'a secret that YAML cuts',
    on('personalAccessToken: ab #cd'),
    ['5:32 YAML reads the # and the rest as a comment: put quotes around the text'],
  ],
  [
    'a secret in braces',
    on('personalAccessToken: {abcdef}'),
    [
      '5:32 personalAccessToken must be text or one of $env, $file, $command, $credential, $keyring, $keyVault',
    ],
  ],
  [
    'a secret in brackets',
    on('personalAccessToken: [abcdef]'),
    [
      '5:32 personalAccessToken must be text or one of $env, $file, $command, $credential, $keyring, $keyVault',
    ],
  ],
  [
    'a source with a key beside it',
    on('personalAccessToken: {$env: SECRET, x: 1}'),
    ['5:32 a key that begins with $ must be the only one'],
  ],
  ['a source that does not exist', on('personalAccessToken: {$vault: x}'), ['5:32 unknown source: $vault']],
  [
    'a source that names nothing',
    on('personalAccessToken: {$env: [a]}'),
    ['5:39 $env must be the name of a variable'],
  ],
  [
    'a command that is not a list',
    on('personalAccessToken: {$command: pass show}'),
    ['5:43 $command must be a list: the program and its arguments'],
  ],
  [
    'an empty command',
    on('personalAccessToken: {$command: []}'),
    ['5:43 $command must be a list: the program and its arguments'],
  ],
  [
    'a systemd credential without systemd',
    on('personalAccessToken: {$credential: a}'),
    ['5:46 systemd passed no credentials: CREDENTIALS_DIRECTORY is not set'],
  ],
  [
    'a systemd credential elsewhere',
    on('personalAccessToken: {$credential: ../a}'),
    ['5:46 $credential must be the name of a systemd credential'],
  ],
  [
    'a vault without a secret',
    on('personalAccessToken: {$keyVault: {vault: a}}'),
    ['5:44 $keyVault must be a mapping of vault and secret'],
  ],
  [
    'a vault that is not a name',
    on('personalAccessToken: {$keyVault: {vault: "a.b/c", secret: x}}'),
    ['5:44 $keyVault must be the name of a vault, or its host, and the name of a secret'],
  ],
  [
    'a client id from a program',
    on('clientId: {$command: [x]}'),
    ['5:21 this source is for secrets only: use text, $env or $file'],
  ],
]);
