import {readFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {
  configurationFromBackstage,
  terraformConfiguration,
  type InitialText,
} from '../../config/edit/init-configuration.ts';
import {terraformTarget} from '../../config/build/terraform-variables.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {printable} from '../../text/printable.ts';
import {CommandError, usageError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import type {InferredOptionTypes} from 'yargs';
import type {starter} from '../line/shared-options.ts';

/** The options of `orgkey setup` and `orgkey config init` from which a first configuration is made. */
export type StarterOptions = Partial<InferredOptionTypes<typeof starter>>;

/** The options of which each chooses a way to sign in. */
const METHODS = [
  'client-secret-file',
  'client-certificate-file',
  'federated-token-file',
  'managed-identity',
  'pat-file',
  'oidc',
  'azure-cli',
  'sign-in',
  'from-env',
  'stored',
  'from',
] as const;

type Method = (typeof METHODS)[number];

/** Servers do not know Entra. */
const FOR_SERVERS: ReadonlySet<Method> = new Set(['pat-file', 'stored', 'from-env', 'from']);

export function describesConfiguration(options: StarterOptions): boolean {
  const given = [options.host, options['client-id'], options['tenant-id']].some(
    (value) => value !== undefined,
  );
  return given || (options.organization ?? []).length > 0 || methodsOf(options).length > 0;
}

/**
 * Returns the text of a configuration with one credential. `options`: with absolute paths.
 * @throws {CommandError} unless the options describe exactly one way to sign in.
 */
export async function starterConfiguration(
  options: StarterOptions,
  {environment, program}: Pick<Context, 'environment' | 'program'>,
): Promise<string> {
  const method = onlyMethod(options);
  const {schema} = program;
  if (method === 'from') return fromBackstage(options.from ?? '', schema);
  const {organization: organizations = [], host = SERVICES_HOST} = options;
  if (method === 'from-env' && organizations.length === 0)
    return orFail(terraformConfiguration(environment, {schema}));
  const names = organizations.map(quoted).join(', ');
  const fields = [
    ...(organizations.length === 0 ? [] : [`organizations: [${names}]`]),
    ...fieldsOf(method, options),
  ];
  return [
    ...schemaLine(schema),
    '# Which identity acts in which Azure DevOps organization. Check it with: orgkey config check',
    'integrations:',
    '  azure:',
    `    - host: ${host === SERVICES_HOST ? host : quoted(host)}`,
    '      credentials:',
    ...fields.map((field, at) => `        ${at === 0 ? '-' : ' '} ${field}`),
    '',
  ].join('\n');
}

interface StarterCredential {
  /** In lower case. */
  readonly host: string;
  /** Empty: all of the host that no other credential names. */
  readonly organizations: readonly string[];
  /** Lines of YAML, `name: value`. */
  readonly fields: readonly string[];
}

/**
 * Returns the credential that the options describe. `options`: with absolute paths.
 * @throws {CommandError} unless the options describe exactly one way to sign in.
 */
export function starterCredential(
  options: StarterOptions,
  {environment}: Pick<Context, 'environment'>,
): StarterCredential {
  const method = onlyMethod(options);
  if (method === 'from')
    throw usageError(
      '--from writes a new configuration, but one exists already',
      'copy what you need into it: orgkey config edit',
    );
  const organizations = options.organization ?? [];
  const fields = fieldsOf(method, options);
  if (method !== 'from-env' || organizations.length > 0)
    return {host: options.host ?? SERVICES_HOST, organizations, fields};
  const target = terraformTarget(environment);
  if (target.kind === 'failed')
    throw new CommandError(EXIT.badConfiguration, target.message, {hint: target.hint});
  const {host, organization} = target;
  return {host, organizations: organization === undefined ? [] : [organization], fields};
}

export function namesMethod(options: StarterOptions): boolean {
  return methodsOf(options).length > 0;
}

/** @throws {CommandError} if no way to sign in is given, several, or one that the host does not have. */
function onlyMethod(options: StarterOptions): Method {
  const methods = methodsOf(options);
  const [method, ...others] = methods;
  if (method === undefined)
    throw usageError(
      'no way to sign in is given',
      'pass one of: --managed-identity, --client-secret-file, --pat-file, --sign-in …',
    );
  if (others.length > 0)
    throw usageError(`${methods.map((one) => `--${one}`).join(' and ')} exclude each other`);
  const host = options.host ?? SERVICES_HOST;
  if (host.toLowerCase() !== SERVICES_HOST && !FOR_SERVERS.has(method))
    throw usageError(
      `--${method} is for ${SERVICES_HOST} only, not for ${printable(host, 100)}`,
      'pass --pat-file or --stored',
    );
  return method;
}

/** Lets editors find the schema. */
function schemaLine(schema: string | undefined): string[] {
  return schema === undefined
    ? []
    : [`# yaml-language-server: $schema=${schema.replaceAll(/\s/g, encodeURI)}`];
}

async function fromBackstage(path: string, schema: string | undefined): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(EXIT.usage, `cannot read ${printable(path)}: ${printable(messageOf(error))}`, {
      cause: error,
    });
  });
  return orFail(configurationFromBackstage(text, {schema, directory: dirname(path)}));
}

function orFail(initial: InitialText): string {
  if (initial.kind === 'text') return initial.text;
  throw new CommandError(EXIT.badConfiguration, initial.message);
}

function methodsOf(options: StarterOptions): Method[] {
  return METHODS.filter((method) => options[method] !== undefined && options[method] !== false);
}

function fieldsOf(method: Method, options: StarterOptions): string[] {
  switch (method) {
    case 'client-secret-file':
      return [...application(method, options), fromFile('clientSecret', options[method])];
    case 'client-certificate-file':
      return [...application(method, options), fromFile('clientCertificate', options[method])];
    case 'federated-token-file':
      return [...application(method, options), `federatedTokenFile: ${quoted(options[method] ?? '')}`];
    case 'oidc':
      return ciToken(options);
    case 'managed-identity':
      return managedIdentity(options['managed-identity'] ?? '', options);
    case 'pat-file':
      return [fromFile('personalAccessToken', options[method])];
    case 'azure-cli':
      return ['azureCli: true', ...tenant(options)];
    case 'sign-in':
      return [...clientId(options), ...tenant(options), `signIn: ${quoted(options['sign-in'] ?? '')}`];
    case 'from-env':
      return ['environment: terraform'];
    case 'stored':
      return ['stored: true'];
    case 'from':
      return [];
  }
}

function ciToken(options: StarterOptions): string[] {
  const connection = options['service-connection-id'];
  return [
    ...application('oidc', options),
    `oidc: ${quoted(options.oidc ?? '')}`,
    ...(connection === undefined ? [] : [`serviceConnectionId: ${quoted(connection)}`]),
  ];
}

/** If the client ID of an application is given, the managed identity signs in as the application. */
function managedIdentity(value: string, options: StarterOptions): string[] {
  const identity = quoted(value === '' ? 'system-assigned' : value);
  if (options['client-id'] === undefined) return [`clientId: ${identity}`];
  return [...application('managed-identity', options), `managedIdentityClientId: ${identity}`];
}

function application(method: Method, options: StarterOptions): string[] {
  if (options['client-id'] === undefined || options['tenant-id'] === undefined)
    throw usageError(`--${method} needs --client-id and --tenant-id`);
  return [...clientId(options), ...tenant(options)];
}

function clientId({'client-id': id}: StarterOptions): string[] {
  return id === undefined ? [] : [`clientId: ${quoted(id)}`];
}

function tenant({'tenant-id': tenantId}: StarterOptions): string[] {
  return tenantId === undefined ? [] : [`tenantId: ${quoted(tenantId)}`];
}

function fromFile(key: string, path = ''): string {
  return `${key}: {$file: ${quoted(path)}}`;
}

/** JSON strings are valid in YAML. `${…}` is escaped, or a variable would replace it. */
function quoted(text: string): string {
  // a function, because $$ in a replacement text means one $
  return JSON.stringify(text.replaceAll('${', () => '$${'));
}
