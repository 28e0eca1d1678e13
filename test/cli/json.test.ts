import test from 'ava';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

test.serial('the JSON of each command has a version and its documented keys', async (t) => {
  const {person} = await personWithDaemon(t);
  const shapes: readonly [string, readonly string[]][] = [
    [
      'status',
      [
        'configuration',
        'environment',
        'gateways',
        'health',
        'locks',
        'memory',
        'notices',
        'organizations',
        'pid',
        'requests',
        'sockets',
        'startedAt',
        'version',
      ],
    ],
    ['org list', ['organizations']],
    ['tools list', ['tools']],
    ['config check', ['problems', 'source', 'valid', 'warnings']],
    ['config show', ['credentials', 'orgkey', 'source']],
    [
      'which contoso',
      [
        'answer',
        'configuration',
        'detail',
        'gateways',
        'host',
        'identity',
        'kind',
        'locks',
        'organization',
        'rule',
        'sockets',
      ],
    ],
    [
      'which git@ssh.dev.azure.com:v3/contoso/p/r',
      [
        'asSubmodule',
        'atTheTop',
        'configuration',
        'gateways',
        'host',
        'locks',
        'organization',
        'overHttps',
        'submoduleDetail',
        'url',
      ],
    ],
    ['ssh-key list', ['keys']],
    ['token contoso', ['form', 'token', 'username']],
  ];
  for (const [command, keys] of shapes) {
    const {stdout, stderr} = await person.run(command, ['--json']);
    const {schemaVersion, ...rest} = JSON.parse(stdout || '{}') as Record<string, unknown>;
    t.is(schemaVersion, 2, `${command}: ${stderr}`);
    t.deepEqual(Object.keys(rest).toSorted(), keys, command);
    t.is(stdout.includes('canary'), command.startsWith('token'), command);
  }
});
