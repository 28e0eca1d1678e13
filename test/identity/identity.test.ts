import {inspect} from 'node:util';
import test from 'ava';
import {clientIdOf, describeIdentity, type Identity} from '../../src/identity/identity.ts';
import {Secret} from '../../src/secret/secret.ts';

const clientId = '9f000000-1111-2222-3333-444444444444';
const tenantId = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const canary = 'canary-41c8';

function held() {
  return {from: 'held', secret: Secret.fromText(canary)} as const;
}

const request = {url: 'https://example.org', token: held()};
const kinds: readonly (readonly [Identity, string, string | undefined])[] = [
  [
    {kind: 'client-secret', key: 'k', clientId, clientSecret: held(), tenantId},
    'client secret 9f000000…',
    clientId,
  ],
  [
    {
      kind: 'client-certificate',
      key: 'k',
      clientId,
      clientCertificate: held(),
      clientCertificatePassword: held(),
      tenantId,
    },
    'client certificate 9f000000…',
    clientId,
  ],
  [{kind: 'managed-identity', key: 'k', clientId}, 'managed identity 9f000000…', clientId],
  [{kind: 'managed-identity', key: 'k', clientId: 'system-assigned'}, 'managed identity', undefined],
  [
    {
      kind: 'managed-identity-assertion',
      key: 'k',
      clientId,
      managedIdentityClientId: 'system-assigned',
      tenantId,
    },
    'managed identity assertion 9f000000…',
    clientId,
  ],
  [
    {kind: 'federated-token-file', key: 'k', clientId, tenantId, federatedTokenFile: '/x'},
    'federated token file 9f000000…',
    clientId,
  ],
  [
    {kind: 'federated-token', key: 'k', clientId, tenantId, assertion: held()},
    'federated token 9f000000…',
    clientId,
  ],
  [{kind: 'github-actions', key: 'k', clientId, tenantId, request}, 'github actions 9f000000…', clientId],
  [
    {kind: 'azure-pipelines', key: 'k', clientId, tenantId, serviceConnectionId: clientId, request},
    'azure pipelines 9f000000…',
    clientId,
  ],
  [{kind: 'azure-cli', key: 'k', tenantId}, 'azure cli', undefined],
  [
    {
      kind: 'sign-in',
      key: 'k',
      method: 'browser',
      issuer: 'https://x',
      clientId,
      clientSecret: held(),
      scopes: [],
    },
    'sign in 9f000000…',
    clientId,
  ],
  [{kind: 'pat', key: 'k', personalAccessToken: held()}, 'personal access token', undefined],
  [{kind: 'stored', key: 'k', persist: true}, 'stored', undefined],
];

for (const [identity, description, id] of kinds) {
  test(`${identity.kind}${'clientId' in identity ? ` of ${identity.clientId}` : ''} is described as ${description}`, (t) => {
    t.is(describeIdentity(identity), description);
    t.is(clientIdOf(identity), id);
    for (const shown of [inspect(identity, {depth: 9, showHidden: true}), JSON.stringify(identity)])
      t.false(shown.includes(canary));
  });
}
