import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Ajv2020, type ValidateFunction} from 'ajv/dist/2020.js';
import test, {type ExecutionContext} from 'ava';
import {makePrivateKey} from '../../src/ssh/key/private-key.ts';
import {connectControl} from '../../src/control/control-client.ts';
import {startCloud} from '../cloud/cloud.ts';
import {Person} from '../helpers/command-line.ts';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';

/** Real output is valid by the schemas in docs/json, and has no field that they leave out. */

const directory = join(import.meta.dirname, '../../docs/json');
const [cloud, privateKey] = await Promise.all([startCloud(), makePrivateKey()]);
test.after.always(() => cloud.close());

const tenant = cloud.addTenant();
const application = tenant.addApplication();
const contoso = cloud.addOrganization('contoso', {tenant, members: [application]});
contoso.addRepository('web/site', {files: {'index.html': '<h1>contoso</h1>\n'}});

const keys = mkdtempSync(join(tmpdir(), 'orgkey-test-'));
test.after.always(() => rmSync(keys, {recursive: true, force: true}));
writeFileSync(join(keys, 'contoso'), privateKey.secret.revealText(), {mode: 0o600});

const configuration = `integrations:
  azure:
    - credentials:
        - organizations: [contoso]
          clientId: ${application.clientId}
          clientSecret: '${application.secret}'
          tenantId: ${tenant.id}
        - organizations: [fabrikam]
          clientId: ${application.clientId}
          clientSecret: canary-wrong
          tenantId: ${tenant.id}
        - personalAccessToken: canary-pat-0123456789
orgkey:
  sockets: [{name: team-a, organizations: [contoso]}]
  submodules: [{organizations: [contoso], privateKey: {$file: ${keys}/contoso}}]
`;

const ajv = new Ajv2020({strict: false, validateFormats: false, allErrors: true});

/** Compiles a schema so that it rejects fields that it does not name. */
function strictSchema(name: string): ValidateFunction {
  const schema: unknown = JSON.parse(
    readFileSync(join(directory, `${name}.schema.json`), 'utf8'),
    (_, value) => (isObjectSchema(value) ? {additionalProperties: false, ...value} : value),
  );
  return ajv.compile(schema as object);
}

function isObjectSchema(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'type' in value && 'properties' in value;
}

async function world(t: ExecutionContext): Promise<{daemon: TestDaemon; person: Person}> {
  const daemon = await daemonFor(t, {configuration, environment: cloud.environment()});
  for (const organization of ['contoso', 'fabrikam', 'other'])
    await daemon.get({protocol: 'https', host: 'dev.azure.com', path: `${organization}/web/_git/site`});
  const person = new Person(t, {
    ...daemon.environment,
    ...cloud.environment(),
    ORGKEY_CONFIG: daemon.configFile,
  });
  return {daemon, person};
}

function validate(t: ExecutionContext, schema: ValidateFunction, value: unknown, what: string): void {
  t.true(schema(value), `${what}: ${ajv.errorsText(schema.errors)}\n${JSON.stringify(value, undefined, 2)}`);
}

const COMMANDS: readonly (readonly [schema: string, command: string])[] = [
  ['status', 'status'],
  ['doctor', 'doctor contoso'],
  ['which', 'which https://dev.azure.com/contoso/web/_git/site'],
  ['which', 'which git@ssh.dev.azure.com:v3/contoso/web/site'],
  ['token', 'token contoso'],
  ['org-list', 'org list'],
  ['tools-list', 'tools list'],
  ['org-test', 'org test'],
  ['ssh-key-list', 'ssh-key list'],
  ['config-check', 'config check'],
  ['config-show', 'config show'],
  ['service-status', 'service status'],
];

test.serial('the JSON of every command is valid by its schema', async (t) => {
  const {person} = await world(t);
  for (const [schema, command] of COMMANDS) {
    const {stdout, stderr} = await person.run(command, ['--json']);
    validate(t, strictSchema(schema), JSON.parse(stdout || stderr), command);
  }
});

test.serial('lines of the audit trail and of the log are valid by their schemas', async (t) => {
  const {person} = await world(t);
  await person.run('token contoso');
  const [audit, log] = [strictSchema('audit-line'), strictSchema('log-line')];
  const {stdout} = await person.run('logs --audit');
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as {event: string});
  for (const event of events) validate(t, audit, event, 'audit');
  t.true(events.some(({event}) => event === 'get'));
  t.true(events.some(({event}) => event === 'token'));
  const logged = await person.run('logs --json');
  for (const line of logged.stdout.trim().split('\n')) validate(t, log, JSON.parse(line), 'log');
});

test.serial('answers of the control channel are valid by their schema', async (t) => {
  const {daemon} = await world(t);
  const control = await connectControl(join(daemon.runtime, 'control/control.sock'));
  t.teardown(() => control.close());
  const scope = undefined;
  const answers = {
    status: await control.call('status', undefined),
    reload: await control.call('reload', undefined),
    token: await control.call('token', {organization: 'contoso', scope}),
    logs: await control.call('logs', {follow: false}),
    metrics: await control.call('metrics', undefined),
    flush: await control.call('flush', undefined),
    answer: await control.call('answer', {question: 'unknown', isYes: true}),
    clear: await control.call('clear', undefined),
  };
  const schema = strictSchema('control-answers');
  validate(t, schema, answers, 'answers');
  const failed = {token: await control.call('token', {organization: 'fabrikam', scope})};
  validate(t, schema, failed, 'a failed token');
});
