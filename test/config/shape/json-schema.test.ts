import {createHash} from 'node:crypto';
import test from 'ava';
import * as z from 'zod';
import {describeConfiguration} from '../../../src/config/shape/describe-configuration.ts';
import {jsonSchema} from '../../../src/config/shape/json-schema.ts';
import {RULES} from '../../../src/config/shape/rules.ts';

const GUID = '11111111-1111-4111-8111-111111111111';

/** What of the schema decides whether a file is valid: not its words. */
function withoutWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, inner]) => !(['description', 'default', 'title'].includes(key) && typeof inner !== 'object'),
      )
      .map(([key, inner]) => [key, withoutWords(inner)]),
  );
}

test('what is valid has a number: raise RULES whenever this hash changes', (t) => {
  const hash = createHash('sha256')
    .update(JSON.stringify(withoutWords(jsonSchema())))
    .digest('hex')
    .slice(0, 16);
  t.deepEqual([RULES, hash], [4, 'e5b11920f124c85c']);
});

test('every key has a description', (t) => {
  for (const {title, rows} of describeConfiguration()) {
    t.true(rows.length > 0, title);
    for (const {key, description, type} of rows) {
      t.regex(description, /\.$/, `${title} ${key}`);
      if (!['apiVersion', 'commitSigningKey', 'token', 'credential', 'ssh.keyHolder'].includes(key))
        t.not(type, 'anything', key);
    }
  }
});

test('the defaults of the reference are those of the contract', (t) => {
  const rows = describeConfiguration().find(({title}) => title === 'orgkey')?.rows ?? [];
  const defaults = rows.filter((row) => row.default !== undefined).map((row) => [row.key, row.default]);
  t.deepEqual(defaults, [
    ['prefetch', 'true'],
    ['onFailure', 'quit'],
    ['idleExit', 'never'],
    ['entra.authorityHost', 'https://login.microsoftonline.com'],
    ['entra.disableInstanceDiscovery', 'false'],
    ['sockets[].mode', '0600'],
    ['submodules[].host', 'ssh.dev.azure.com'],
    ['ssh.proxyCommand', 'none'],
    ['metrics.listen', 'off'],
    ['audit.maxSize', '10MiB'],
    ['audit.files', '5'],
  ]);
});

const on = (credential: object) => ({
  integrations: {azure: [{host: 'dev.azure.com', credentials: [credential]}]},
});
const secret = {$file: 'x'};

const taken: readonly object[] = [
  {},
  {app: {anything: 1}, integrations: {github: []}},
  on({clientId: GUID, clientSecret: 'a', tenantId: GUID}),
  on({clientId: '${A}', clientSecret: secret, tenantId: {$env: 'T'}, organizations: ['a']}),
  on({clientId: 'system-assigned'}),
  on({personalAccessToken: {$keyVault: {vault: 'v', secret: 's'}}}),
  on({personalAccessToken: {$command: ['a', 'b']}}),
  on({azureCli: true}),
  on({signIn: 'browser', scopes: ['vso.code']}),
  on({stored: true, persist: true}),
  {
    orgkey: {
      prefetch: false,
      sockets: [{name: 'a', organizations: ['b']}],
      audit: {maxSize: '1MiB', files: 3},
    },
  },
];

const refused: readonly object[] = [
  on({clientId: GUID, tenantId: GUID}),
  on({clientId: 'x'}),
  on({personalAccessToken: 1}),
  on({personalAccessToken: {$include: 'x'}}),
  on({personalAccessToken: 'a', foo: 1}),
  {orgkey: {prefech: true}},
  {orgkey: {sockets: [{name: 'A', organizations: []}]}},
  {orgkey: {onFailure: 'stop'}},
];

test('an editor with the schema takes what we take, and refuses what we refuse', (t) => {
  const schema = z.fromJSONSchema(jsonSchema());
  for (const value of taken) t.true(schema.safeParse(value).success, JSON.stringify(value));
  for (const value of refused) t.false(schema.safeParse(value).success, JSON.stringify(value));
});
