import test, {type ExecutionContext} from 'ava';
import type {Configuration} from '../../../src/config/configuration.ts';
import {
  CREDENTIAL_KINDS,
  CREDENTIALS,
  INTEGRATION,
  isRequired,
} from '../../../src/config/shape/credential-kinds.ts';
import {describeConfiguration} from '../../../src/config/shape/describe-configuration.ts';
import {jsonSchema} from '../../../src/config/shape/json-schema.ts';
import {ORGKEY} from '../../../src/config/shape/keys.ts';
import type {Form, Key, Keys} from '../../../src/config/shape/kind.ts';
import {conforms} from '../../helpers/json-schema.ts';
import {loadText, problemsOf, soundIn} from '../../helpers/load-text.ts';

/** One mapping of the tables, and how a file has it. */
interface Table {
  /** As the reference calls it. */
  readonly title: string;
  readonly prefix: string;
  readonly keys: Keys;
  readonly inFile: (mapping: object) => object;
}

const credentialOn = (credential: object) => ({integrations: {azure: [{credentials: [credential]}]}});

const tables: readonly Table[] = [
  {
    title: 'integrations.azure[]',
    prefix: '',
    keys: INTEGRATION,
    inFile: (integration) => ({integrations: {azure: [integration]}}),
  },
  ...CREDENTIAL_KINDS.map((kind) => ({
    title: `credentials[]: ${CREDENTIALS[kind].name}`,
    prefix: '',
    keys: CREDENTIALS[kind].keys,
    inFile: credentialOn,
  })),
  ...tablesBelow({title: 'orgkey', prefix: '', keys: ORGKEY, inFile: (orgkey) => ({orgkey})}),
];

function tablesBelow(table: Table): Table[] {
  const inner = Object.entries<Key>(table.keys).flatMap(([name, {kind}]) => {
    const {form} = kind;
    if (form.name === 'mapping')
      return tablesBelow({
        ...table,
        prefix: `${table.prefix}${name}.`,
        keys: form.keys,
        inFile: (mapping) => table.inFile({[name]: mapping}),
      });
    return form.name === 'list' && form.item.name === 'mapping'
      ? tablesBelow({
          ...table,
          prefix: `${table.prefix}${name}[].`,
          keys: form.item.keys,
          inFile: (mapping) => table.inFile({[name]: [mapping]}),
        })
      : [];
  });
  return [table, ...inner];
}

const PEM = '-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n';
const GUID = '11111111-1111-4111-8111-111111111111';

/** Adds the gateway that the example of `sockets[].gateway` names. */
const GATEWAY = ({orgkey}: {orgkey?: object}) => ({
  orgkey: {...orgkey, gateways: [{name: 'team-a', repositories: ['contoso/web/*'], listen: '127.0.0.1:0'}]},
});

/** What else a mapping must have, beside its required keys, for a key to be accepted. */
const companions: Readonly<Record<string, object>> = {
  serviceConnectionId: {oidc: 'azure-pipelines'},
  clientCertificate: {clientCertificate: PEM},
  clientSecret: {clientId: GUID},
};

function acceptedFor(form: Form): unknown {
  switch (form.name) {
    case 'text':
    case 'number':
    case 'size':
      return form.example;
    case 'true or false':
      return true;
    case 'secret':
    case 'anything':
      return 'anything';
    case 'list':
      return [acceptedFor(form.item)];
    case 'mapping':
      return requiredIn(form.keys);
    case 'one of':
      return requiredIn(form.shapes[0]?.keys ?? {});
  }
}

function refusedFor(form: Form): unknown {
  switch (form.name) {
    case 'text':
    case 'number':
    case 'size': {
      const whole = new RegExp(`^(?:${form.pattern ?? '.*'})$`, 'u');
      return ['?', ''].find((text) => !whole.test(text)) ?? [1];
    }
    case 'true or false':
      return 'maybe';
    case 'list':
      return form.item.name === 'text' && form.item.pattern !== undefined ? [refusedFor(form.item)] : 'text';
    case 'secret':
    case 'mapping':
    case 'one of':
      return ['text'];
    case 'anything':
      return undefined;
  }
}

function requiredIn(keys: Keys): object {
  const required = Object.entries(keys).filter(([, key]) => isRequired(key));
  const values = Object.fromEntries(required.map(([name, {kind}]) => [name, acceptedFor(kind.form)]));
  return 'clientCertificate' in values ? {...values, clientCertificate: PEM} : values;
}

async function load(t: ExecutionContext, content: object) {
  return loadText(t, JSON.stringify(content), {environment: {AZDO_PERSONAL_ACCESS_TOKEN: 'x'}});
}

for (const {title, prefix, keys, inFile} of tables)
  for (const [name, key] of Object.entries(keys)) {
    const {form} = key.kind;
    const required = requiredIn(keys);

    if (key.removed === undefined)
      test(`${title} ${prefix}${name} accepts its example`, async (t) => {
        const content = inFile({...required, [name]: acceptedFor(form), ...companions[name]});
        // a socket names a gateway that must exist
        if (`${prefix}${name}` === 'sockets[].gateway') Object.assign(content, GATEWAY(content));
        soundIn(t, await load(t, content));
        t.true(conforms(content, jsonSchema()));
      });

    const wrong = key.removed === undefined ? refusedFor(form) : 'anything';
    if (wrong !== undefined)
      test(`${title} ${prefix}${name} refuses ${JSON.stringify(wrong)}`, async (t) => {
        const content = inFile({...required, ...companions[name], [name]: wrong});
        const {loaded} = await load(t, content);
        t.true(problemsOf(loaded).some(({message}) => message.includes(name)));
        if (key.removed === undefined) t.false(conforms(content, jsonSchema()));
      });
  }

/** Another accepted value. */
function otherThanDefault({kind, default: written}: Key): string | number | boolean {
  const {form} = kind;
  if (typeof written === 'boolean') return !written;
  const texts = 'example' in form ? [...(form.choices ?? []), form.example] : [];
  const other = texts.find((text) => text !== written);
  if (other === undefined) throw new Error('there is no other value');
  return other;
}

/** Everything that a default can change. */
function inForce({settings, bindings}: Configuration): unknown {
  return {
    settings: {...settings, submodules: settings.submodules.map((rule) => ({...rule, place: ''}))},
    bindings: bindings.map((binding) => ({...binding, place: ''})),
  };
}

function schemaDefaults(node: unknown, name: string): unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, inner]) =>
    key === name && typeof inner === 'object' && 'default' in inner
      ? [inner.default]
      : schemaDefaults(inner, name),
  );
}

for (const {title, prefix, keys, inFile} of tables)
  for (const [name, key] of Object.entries(keys))
    if (key.default !== undefined)
      test.serial(`the default of ${title} ${prefix}${name} is that of its table`, async (t) => {
        const other = otherThanDefault(key);
        const required = title.startsWith('integrations')
          ? {credentials: [{stored: true}]}
          : requiredIn(keys);
        const written = soundIn(t, await load(t, inFile({...required, [name]: other})));
        const before = key.default;
        Reflect.set(key, 'default', other);
        try {
          const changed = soundIn(t, await load(t, inFile(required)));
          t.deepEqual(inForce(changed), inForce(written));
          const rows = describeConfiguration().find((section) => section.title === title)?.rows;
          t.is(rows?.find((row) => row.key === `${prefix}${name}`)?.default, String(other));
          t.true(schemaDefaults(jsonSchema(), name).includes(other));
        } finally {
          Reflect.set(key, 'default', before);
        }
        const restored = soundIn(t, await load(t, inFile(required)));
        t.notDeepEqual(inForce(restored), inForce(written));
      });

test('every key has a description, and only keys of others may be anything', (t) => {
  for (const {title, rows} of describeConfiguration()) {
    t.true(rows.length > 0, title);
    for (const {key, description, type} of rows) {
      t.regex(description, /\.$/, `${title} ${key}`);
      if (!['apiVersion', 'commitSigningKey', 'token', 'credential', 'ssh.keyHolder'].includes(key))
        t.not(type, 'anything', key);
    }
  }
});

test('the defaults of the reference are those that users rely on', (t) => {
  const rows = describeConfiguration().find(({title}) => title === 'orgkey')?.rows ?? [];
  const defaults = rows.filter((row) => row.default !== undefined).map((row) => [row.key, row.default]);
  t.deepEqual(defaults, [
    ['prefetch', 'true'],
    ['onFailure', 'quit'],
    ['idleExit', 'never'],
    ['plainStore', 'warn'],
    ['entra.authorityHost', 'https://login.microsoftonline.com'],
    ['entra.disableInstanceDiscovery', 'false'],
    ['sockets[].mode', '0600'],
    ['gateways[].deletions', 'false'],
    ['gateways[].lfs', 'true'],
    ['gateways[].listen', 'off'],
    ['gateways[].mode', '0600'],
    ['submodules[].host', 'ssh.dev.azure.com'],
    ['ssh.proxyCommand', 'none'],
    ['metrics.listen', 'off'],
    ['audit.maxSize', '10MiB'],
    ['audit.files', '5'],
    ['audit.days', 'unlimited'],
    ['audit.required', 'false'],
    ['audit.journal', 'false'],
  ]);
});

const secret = {$file: 'x'};

const conforming: readonly object[] = [
  {},
  {app: {anything: 1}, integrations: {github: []}},
  credentialOn({clientId: '${A}', clientSecret: secret, tenantId: {$env: 'T'}, organizations: ['a']}),
  credentialOn({personalAccessToken: {$keyVault: {vault: 'v', secret: 's'}}}),
  credentialOn({personalAccessToken: {$command: ['a', 'b']}}),
  credentialOn({personalAccessToken: {$include: 'x.yaml#pat'}}),
  {integrations: {azure: {$include: 'hosts.yaml'}}},
  {integrations: {azure: [{$include: 'host.yaml'}, {credentials: {$include: 'some.yaml'}}]}},
  {integrations: {azure: [{credentials: null}]}},
  {orgkey: {audit: {maxSize: '${SIZE}', files: 3}, prefetch: '${PREFETCH}', onFailure: '${QUIT}'}},
];

const others: readonly object[] = [
  credentialOn({clientId: GUID, tenantId: GUID}),
  credentialOn({personalAccessToken: {$command: []}}),
  credentialOn({personalAccessToken: 'a', foo: 1}),
  {orgkey: {prefech: true}},
  {integrations: {azure: [{host: 'a', $include: 'x.yaml'}]}},
  {orgkey: {sockets: [{name: 'A', organizations: []}]}},
];

test('an editor with the JSON Schema accepts what we accept, and refuses what we refuse', (t) => {
  const schema = jsonSchema();
  for (const value of conforming) t.true(conforms(value, schema), JSON.stringify(value));
  for (const value of others) t.false(conforms(value, schema), JSON.stringify(value));
});
