import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {CLIENT, TENANT, on, shown} from '../../helpers/configurations.ts';
import {loadText, namedFiles, soundIn} from '../../helpers/load-text.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

const application = {clientId: CLIENT, tenantId: TENANT};

test('paths in the configuration begin at the configuration', async (t) => {
  const text = on(
    `organizations: [a]\nclientId: ${CLIENT}\ntenantId: ${TENANT}\nfederatedTokenFile: sub/token`,
  );
  const {directory, loaded} = await loadText(t, text);
  const identity = soundIn(t, {loaded}).bindings[0]?.identity;
  t.is(
    identity?.kind === 'federated-token-file' && identity.federatedTokenFile,
    join(directory, 'sub/token'),
  );
});

test('a program’s path that begins with a dot begins at the configuration', async (t) => {
  const {directory, loaded} = await loadText(t, on('personalAccessToken: {$command: [./show, x]}'));
  const identity = soundIn(t, {loaded}).bindings[0]?.identity;
  t.deepEqual(identity?.kind === 'pat' && identity.personalAccessToken, {
    from: 'command',
    argv: [join(directory, 'show'), 'x'],
  });
});

test('paths that begin with ~/ begin at home, by default the environment’s', async (t) => {
  const home = scratchDirectory(t);
  writeFileSync(join(home, 'pat'), 'of home\n', {mode: 0o600});
  const text = `integrations:
  azure:
    - credentials:
        - {organizations: [a], personalAccessToken: {$file: ~/pat}}
        - {organizations: [b], personalAccessToken: {$command: [~/show, ~/x]}}
        - {clientId: ${CLIENT}, tenantId: ${TENANT}, federatedTokenFile: ~/token}
`;
  for (const options of [{home, environment: {HOME: '/other'}}, {environment: {HOME: home}}]) {
    const loaded = await loadText(t, text, options);
    const configuration = soundIn(t, loaded);
    t.deepEqual(
      configuration.bindings.map(({identity}) => shown(identity)),
      [
        {kind: 'pat', personalAccessToken: 'of home'},
        {kind: 'pat', personalAccessToken: {from: 'command', argv: [join(home, 'show'), '~/x']}},
        {kind: 'federated-token-file', ...application, federatedTokenFile: join(home, 'token')},
      ],
    );
    t.deepEqual(namedFiles(configuration.files), [loaded.file, join(home, 'pat')]);
  }
});

test('a submodule key can be in an ssh-agent, named by its path or by the usual variable', async (t) => {
  const text = `orgkey:
  submodules:
    - {organizations: [a], privateKey: {$agent: SSH_AUTH_SOCK, publicKey: ssh-rsa AAAA me}}
    - {organizations: [b], privateKey: {$agent: ~/agent, publicKey: {$env: KEY}}}
`;
  const environment = {SSH_AUTH_SOCK: '/run/agent', KEY: 'ssh-rsa BBBB'};
  const {loaded} = await loadText(t, text, {home: '/home/ann', environment});
  t.deepEqual(
    soundIn(t, {loaded}).settings.submodules.map(({privateKey}) => privateKey),
    [
      {from: 'ssh-agent', socket: '/run/agent', publicKey: 'ssh-rsa AAAA me'},
      {from: 'ssh-agent', socket: '/home/ann/agent', publicKey: 'ssh-rsa BBBB'},
    ],
  );
});

test('a systemd credential is read from where systemd put it', async (t) => {
  const credentials = scratchDirectory(t);
  writeFileSync(join(credentials, 'contoso'), 'of systemd\n', {mode: 0o400});
  const loaded = await loadText(t, on('personalAccessToken: {$credential: contoso}'), {
    environment: {CREDENTIALS_DIRECTORY: credentials},
  });
  const {bindings, files: watched} = soundIn(t, loaded);
  t.deepEqual(bindings[0] && shown(bindings[0].identity), {kind: 'pat', personalAccessToken: 'of systemd'});
  t.deepEqual(namedFiles(watched), [loaded.file, join(credentials, 'contoso')]);
});
