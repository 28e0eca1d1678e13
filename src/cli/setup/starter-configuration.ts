import {readFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {
  configurationFromBackstage,
  terraformConfiguration,
  type InitialText,
} from '../../config/edit/init-configuration.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {absolute} from '../locate.ts';

/** What a first configuration is made from: the options of `orgkey setup` and `orgkey config init`. */
export interface StarterOptions {
  readonly host?: string | undefined;
  readonly organization?: readonly string[] | undefined;
  readonly 'client-id'?: string | undefined;
  readonly 'tenant-id'?: string | undefined;
  readonly 'client-secret-file'?: string | undefined;
  readonly 'client-certificate-file'?: string | undefined;
  readonly 'federated-token-file'?: string | undefined;
  /** A client id, or `system-assigned`. */
  readonly 'managed-identity'?: string | undefined;
  readonly 'pat-file'?: string | undefined;
  readonly oidc?: string | undefined;
  readonly 'service-connection-id'?: string | undefined;
  readonly 'azure-cli'?: boolean | undefined;
  readonly 'sign-in'?: string | undefined;
  readonly 'from-env'?: boolean | undefined;
  readonly stored?: boolean | undefined;
  /** What of it is ours is taken. */
  readonly from?: string | undefined;
}

/** The ways to sign in, by the option that chooses each. */
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

/** Whether the options say anything about a configuration at all. */
export function describesConfiguration(options: StarterOptions): boolean {
  const given = [options.host, options['client-id'], options['tenant-id']].some(
    (value) => value !== undefined,
  );
  return given || (options.organization ?? []).length > 0 || methodsOf(options).length > 0;
}

/** Paths of options are from where the command was started. */
export function withAbsolutePaths(options: StarterOptions, context: Context): StarterOptions {
  const at = (path: string | undefined) => (path === undefined ? undefined : absolute(path, context));
  return {
    ...options,
    'client-secret-file': at(options['client-secret-file']),
    'client-certificate-file': at(options['client-certificate-file']),
    'federated-token-file': at(options['federated-token-file']),
    'pat-file': at(options['pat-file']),
    from: at(options['from']),
  };
}

/**
 * A configuration with one credential. Paths in the options are absolute.
 * @throws {CommandError} where the options don't say one way to sign in, completely.
 */
export async function starterConfiguration(
  options: StarterOptions,
  {environment, program}: Pick<Context, 'environment' | 'program'>,
): Promise<string> {
  const methods = methodsOf(options);
  const [method] = methods;
  if (method === undefined)
    throw usage(
      'nothing says how to sign in',
      'give one of: --managed-identity, --client-secret-file, --pat-file, --sign-in …',
    );
  if (methods.length > 1) throw usage(`${methods.map((one) => `--${one}`).join(' and ')} exclude each other`);

  const {schema} = program;
  if (method === 'from') return fromBackstage(options['from'] ?? '', schema);
  const organizations = options.organization ?? [];
  if (method === 'from-env' && organizations.length === 0)
    return orFail(terraformConfiguration(environment, {schema}));
  const fields = fieldsOf(method, options);
  const lines = [
    ...(organizations.length === 0 ? [] : [`organizations: [${organizations.map(quoted).join(', ')}]`]),
    ...fields,
  ];
  return [
    ...(schema === undefined
      ? []
      : [`# yaml-language-server: $schema=${schema.replaceAll(/\s/g, encodeURI)}`]),
    '# Which identity acts in which Azure DevOps organization. Check it with: orgkey config check',
    'integrations:',
    '  azure:',
    `    - host: ${options.host === undefined ? 'dev.azure.com' : quoted(options.host)}`,
    '      credentials:',
    ...lines.map((line, at) => `        ${at === 0 ? '-' : ' '} ${line}`),
    '',
  ].join('\n');
}

async function fromBackstage(path: string, schema: string | undefined): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(EXIT.usage, `${printable(path)} cannot be read`, {cause: error});
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
    case 'oidc': {
      const connection = options['service-connection-id'];
      return [
        ...application(method, options),
        `oidc: ${quoted(options.oidc ?? '')}`,
        ...(connection === undefined ? [] : [`serviceConnectionId: ${quoted(connection)}`]),
      ];
    }
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

/** With an application's client id, the managed identity signs for the application. */
function managedIdentity(value: string, options: StarterOptions): string[] {
  const identity = quoted(value === '' ? 'system-assigned' : value);
  if (options['client-id'] === undefined) return [`clientId: ${identity}`];
  return [...application('managed-identity', options), `managedIdentityClientId: ${identity}`];
}

function application(method: Method, options: StarterOptions): string[] {
  if (options['client-id'] === undefined || options['tenant-id'] === undefined)
    throw usage(`--${method} needs --client-id and --tenant-id`);
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

/** JSON's strings are YAML's; `${…}` would be replaced by a variable. */
function quoted(text: string): string {
  // a function: in a replacement text, $$ would be one $
  return JSON.stringify(text.replaceAll('${', () => '$${'));
}

function usage(message: string, hint?: string): CommandError {
  return new CommandError(EXIT.usage, message, {hint});
}
