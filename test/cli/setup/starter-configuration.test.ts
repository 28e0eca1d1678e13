import test from 'ava';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {starterConfiguration, type StarterOptions} from '../../../src/cli/setup/starter-configuration.ts';
import {loadConfiguration} from '../../../src/config/load-configuration.ts';
import type {Identity} from '../../../src/identity/identity.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

const guid = '9f000000-0000-0000-0000-000000000001';
const application = {'client-id': guid, 'tenant-id': guid};

const parts = {
  environment: {},
  program: {version: '', node: '', main: '', helper: '', sshWrapper: '', schema: '/opt/a b/schema.json'},
};

const rows: readonly [kind: Identity['kind'], options: StarterOptions][] = [
  ['client-secret', {...application, 'client-secret-file': 'SECRET'}],
  ['federated-token-file', {...application, 'federated-token-file': '/var/run/token'}],
  ['managed-identity', {'managed-identity': ''}],
  ['managed-identity', {'managed-identity': 'system-assigned'}],
  ['managed-identity', {'managed-identity': guid}],
  ['managed-identity-assertion', {...application, 'managed-identity': guid}],
  ['pat', {'pat-file': 'SECRET'}],
  ['pat', {'pat-file': 'SECRET', host: 'azure.example.org'}],
  ['github-actions', {...application, oidc: 'github-actions'}],
  ['azure-pipelines', {...application, oidc: 'azure-pipelines', 'service-connection-id': guid}],
  ['azure-cli', {'azure-cli': true}],
  ['sign-in', {'sign-in': 'browser'}],
  ['sign-in', {'sign-in': 'device-code', 'tenant-id': guid}],
  ['sign-in', {'sign-in': 'browser', ...application}],
  ['stored', {stored: true}],
];

for (const [kind, options] of rows) {
  test(`a first configuration is valid: ${kind}, ${Object.entries(options).flat().join(' ')}`, async (t) => {
    const directory = scratchDirectory(t);
    // YAML, JSON and Backstage would each read this name in another way without quotes
    const secret = join(directory, 'a: ${HOME} #"\\\'\u00e9');
    writeFileSync(secret, 'canary', {mode: 0o600});
    const given = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, value === 'SECRET' ? secret : value]),
    );
    const file = join(directory, 'config.yaml');
    writeFileSync(file, await starterConfiguration({...given, organization: ['contoso']}, parts), {
      mode: 0o600,
    });
    const loaded = await loadConfiguration({
      file,
      environment: {},
      uid: process.getuid?.() ?? 0,
      workingDirectory: directory,
      key: new Uint8Array(32),
    });
    t.is(loaded.kind, 'loaded', JSON.stringify(loaded));
    if (loaded.kind !== 'loaded') return;
    const [binding] = loaded.configuration.bindings;
    t.is(binding?.identity.kind, kind);
    t.deepEqual(binding?.organizations, ['contoso']);
    const ids = Object.values(options).filter((value) => value === guid);
    t.is(readFileSync(file, 'utf8').split(guid).length - 1, ids.length, 'nothing that was given is left out');
  });
}

test('a configuration that is copied from an app-config finds its secrets', async (t) => {
  const [there, here] = [scratchDirectory(t), scratchDirectory(t)];
  const from = join(there, 'app-config.yaml');
  writeFileSync(from, 'integrations: {azure: [{credentials: [{personalAccessToken: {$file: ./pat}}]}]}\n');
  writeFileSync(join(there, 'pat'), 'canary', {mode: 0o600});
  const file = join(here, 'config.yaml');
  writeFileSync(file, await starterConfiguration({from}, parts), {mode: 0o600});
  const loaded = await loadConfiguration({file, environment: {}, key: new Uint8Array(32)});
  t.is(loaded.kind, 'loaded', JSON.stringify(loaded));
});
