import test, {type ExecutionContext} from 'ava';
import {heldSecrets} from '../../src/identity/held-secrets.ts';
import type {Identity} from '../../src/identity/identity.ts';
import {Secret} from '../../src/secret/secret.ts';

const named = {key: 'key', clientId: 'client', tenantId: 'tenant'} as const;
const held = (text: string) => ({from: 'held', secret: Secret.fromText(text)}) as const;
const file = {from: 'file', path: '/secret'} as const;
const request = {url: 'https://example.org', token: held('token')};

const has = test.macro({
  exec(t: ExecutionContext, identity: Identity, expected: readonly string[]) {
    t.deepEqual(
      [...heldSecrets(identity)].map((secret) => secret.use((bytes) => bytes.toString())),
      expected,
    );
  },
  title: (_title, identity, expected) =>
    `${identity.kind} holds ${expected.length === 0 ? 'no secret' : expected.join(' and ')}`,
});

test(has, {...named, kind: 'client-secret', clientSecret: held('secret')}, ['secret']);
test(
  has,
  {
    ...named,
    kind: 'client-certificate',
    clientCertificate: held('certificate'),
    clientCertificatePassword: held('password'),
  },
  ['certificate', 'password'],
);
test(has, {...named, kind: 'federated-token', assertion: held('assertion')}, ['assertion']);
test(has, {...named, kind: 'github-actions', request}, ['token']);
test(has, {...named, kind: 'azure-pipelines', serviceConnectionId: 'connection', request}, ['token']);
test(has, {kind: 'pat', key: 'key', personalAccessToken: held('pat')}, ['pat']);
test(has, {kind: 'managed-identity', key: 'key', clientId: 'client'}, []);
test(has, {...named, kind: 'managed-identity-assertion', managedIdentityClientId: 'other'}, []);
test(has, {...named, kind: 'federated-token-file', federatedTokenFile: '/token'}, []);

test('a certificate without a password and a request from the environment hold nothing more', (t) => {
  const certificate: Identity = {
    ...named,
    kind: 'client-certificate',
    clientCertificate: held('certificate'),
    clientCertificatePassword: undefined,
  };
  t.is([...heldSecrets(certificate)].length, 1);
  t.deepEqual([...heldSecrets({...named, kind: 'github-actions', request: undefined})], []);
});

test('a secret that is read at each use is not held', (t) => {
  t.deepEqual([...heldSecrets({...named, kind: 'client-secret', clientSecret: file})], []);
});
