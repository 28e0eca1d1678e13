import test from 'ava';
import {repairTenant} from '../../src/identity/repair-tenant.ts';
import type {Identity} from '../../src/identity/identity.ts';

const THEIRS = '22222222-2222-4222-8222-222222222222';
const app = {clientId: '11111111-1111-4111-8111-111111111111', tenantId: 'ours', key: 'k'};
const secret = {from: 'keyring', name: 'x'} as const;
const consent = `https://login.microsoftonline.com/${THEIRS}/adminconsent?client_id=${app.clientId}`;

const identities: readonly [Identity, RegExp, unsuitable: RegExp][] = [
  [{...app, kind: 'client-secret', clientSecret: secret}, /must be multitenant/, /service connection/],
  [
    {...app, kind: 'client-certificate', clientCertificate: secret, clientCertificatePassword: undefined},
    /must be multitenant/,
    /service connection/,
  ],
  [
    {...app, kind: 'managed-identity-assertion', managedIdentityClientId: 'system-assigned'},
    /must be multitenant/,
    /service connection/,
  ],
  [
    {...app, kind: 'federated-token-file', federatedTokenFile: '/x'},
    /must be multitenant/,
    /service connection/,
  ],
  [{...app, kind: 'federated-token', assertion: secret}, /multitenant.*of Azure Pipelines/, /orgkey login/],
  [{...app, kind: 'github-actions', request: undefined}, /must be multitenant/, /service connection/],
  [
    {...app, kind: 'azure-pipelines', serviceConnectionId: 'c', request: undefined},
    /service connection of that tenant, with a single-tenant app or a managed identity/,
    /multitenant|adminconsent/,
  ],
  [{kind: 'managed-identity', clientId: app.clientId, key: 'k'}, /in its own tenant only/, /multitenant/],
  [{kind: 'azure-cli', tenantId: undefined, key: 'k'}, /^az login --tenant/, /multitenant/],
];

for (const [identity, repair, unsuitable] of identities) {
  test(`another tenant is repaired for ${identity.kind}`, (t) => {
    const text = repairTenant(identity, THEIRS);
    t.regex(text, repair);
    t.true(text.includes(THEIRS));
    t.notRegex(text, unsuitable);
    if (/must be multitenant/.test(text)) t.true(text.includes(consent));
  });
}
