import * as z from 'zod';
import {CREDENTIAL_KINDS, type CredentialKind} from './credential-kinds.ts';

/**
 * The configuration as it is written, before variables are replaced. It says which keys there are, of which type,
 * and what each is for: the errors, the JSON Schema and the reference come from here. What only shows once values
 * are known is checked by who builds them.
 *
 * The text of each `error` completes `KEY must be …`.
 */

export const MAPPING = 'a mapping';
export const LIST = 'a list';
export const FLAG = 'true or false';

/** Text that is no literal is let through: what it becomes is checked later. */
const PLACEHOLDER = '\\$\\{[^{}]*\\}';

function text(expected = 'text', pattern = ''): z.ZodType {
  const written =
    pattern === ''
      ? z.string({error: expected})
      : z.string({error: expected}).regex(new RegExp(`${pattern}|${PLACEHOLDER}`), {error: expected});
  return z.union([written, z.strictObject({$env: z.string()}), z.strictObject({$file: z.string()})], {
    error: expected,
  });
}

const SECRET = z
  .union(
    [
      z.string().describe('The secret itself, or `${VARIABLE}`.'),
      z.strictObject({$env: z.string()}).describe('The variable that holds it.'),
      z.strictObject({$file: z.string()}).describe('The file that holds it, relative to this one.'),
      z.strictObject({$credential: z.string()}).describe('The systemd credential that holds it.'),
      z
        .strictObject({$command: z.array(z.string()).min(1)})
        .describe('The program that prints it, and its arguments; run without a shell.'),
      z
        .strictObject({$keyring: z.string()})
        .describe('The entry of the operating system’s keyring that holds it.'),
      z
        .strictObject({$keyVault: z.strictObject({vault: z.string(), secret: z.string()})})
        .describe('The secret of an Azure Key Vault, read with the managed identity of the machine.'),
    ],
    {error: 'text or one of $env, $file, $command, $credential, $keyring, $keyVault'},
  )
  .meta({id: 'secret'});

const AGENT_KEY = z.strictObject({
  $agent: z
    .string()
    .describe('The path of the agent’s socket, or SSH_AUTH_SOCK for the variable of this name.'),
  publicKey: text().describe('The public half, as `ssh-add -L` prints it.'),
});

function secret(description: string): z.ZodType {
  return SECRET.describe(description);
}

function flag(description: string): z.ZodType {
  return z
    .union(
      [
        z.boolean(),
        z.string({error: FLAG}).regex(new RegExp(PLACEHOLDER), {error: FLAG}),
        z.strictObject({$env: z.string()}),
      ],
      {
        error: FLAG,
      },
    )
    .describe(description);
}

function list(item: z.ZodType): z.ZodArray {
  return z.array(item, {error: LIST});
}

/** A mapping with exactly these keys; the error of an unknown one names them all. */
function mapping<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const keys = Object.keys(shape).join(' ');
  return z.strictObject(shape, {error: ({code}) => (code === 'unrecognized_keys' ? keys : MAPPING)});
}

const GUID = '^\\s*[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\\s*$';

const organizations = list(text());

const FIELDS: Readonly<Record<string, z.ZodType>> = {
  clientId: text('a GUID', GUID).describe('The client id of the app registration, a GUID.'),
  clientSecret: secret('The client secret of the app registration.'),
  tenantId: text('a GUID', GUID).describe('The tenant of Entra, a GUID.'),
  clientCertificate: secret('PEM with the certificate and its RSA key.'),
  clientCertificatePassword: secret('The password of the certificate’s key.'),
  managedIdentityClientId: text('a GUID or system-assigned', `${GUID}|^system-assigned$`).describe(
    'The client id of the managed identity that makes the assertion, or `system-assigned`.',
  ),
  federatedTokenFile: text('a path').describe(
    'The file that holds the token; it is read again at each exchange.',
  ),
  oidc: text('github-actions or azure-pipelines', '^(?:github-actions|azure-pipelines)$').describe(
    'Whose job this is: `github-actions` or `azure-pipelines`.',
  ),
  serviceConnectionId: text('a GUID', GUID).describe(
    'For `azure-pipelines`: the id of the service connection.',
  ),
  azureCli: flag('`true`: tokens come from `az`, signed in as its user.'),
  signIn: text('browser or device-code', '^(?:browser|device-code)$').describe(
    'People sign in, with `orgkey login`: in the `browser`, or with a `device-code` elsewhere.',
  ),
  issuer: text('an https address', '^\\s*https://').describe(
    'Who signs people in. Default: Entra, `https://login.microsoftonline.com/{tenant}/v2.0`.',
  ),
  scopes: list(text()).describe(
    'What is asked for: `vso.code`, or in full. Default: all of Azure DevOps (`.default`).',
  ),
  personalAccessToken: secret('The token as Azure DevOps showed it, not encoded.'),
  environment: text('terraform', '^terraform$').describe(
    '`terraform`: the identity comes from the ARM_*, AZURE_* and AZDO_* variables, as in Terraform’s provider.',
  ),
  stored: flag('`true`: what people type at git’s prompt is kept and served.'),
  persist: flag('Whether what is stored survives a restart.').default(false),
};

const ORGANIZATIONS = organizations.describe(
  'The organizations, or a server’s collections, that it is for. None: all that no other credential names.',
);

/** The fields of one kind of credential. */
export function credentialSchema(kind: CredentialKind): z.ZodObject {
  const shape: Record<string, z.ZodType> = {organizations: ORGANIZATIONS.optional()};
  for (const key of kind.required) shape[key] = fieldOf(kind, key);
  for (const key of kind.optional) shape[key] = fieldOf(kind, key).optional();
  return mapping(shape).describe(`For ${kind.name}.`);
}

/** Every field, each optional: for credentials whose fields fit no kind. */
export function anyCredentialSchema(): z.ZodObject {
  const shape: Record<string, z.ZodType> = {organizations: ORGANIZATIONS.optional()};
  for (const [key, field] of Object.entries(FIELDS)) shape[key] = field.optional();
  shape['clientId'] = MANAGED_CLIENT_ID.optional();
  return mapping(shape);
}

const MANAGED_CLIENT_ID = text('a GUID or system-assigned', `${GUID}|^system-assigned$`).describe(
  'The client id of the managed identity, or `system-assigned`.',
);

function fieldOf({kind}: CredentialKind, key: string): z.ZodType {
  if (kind === 'managed-identity' && key === 'clientId') return MANAGED_CLIENT_ID;
  if (kind === 'sign-in') {
    if (key === 'clientId')
      return text('a GUID', GUID).describe('An app of your own. Default: the Azure tools’.');
    if (key === 'clientSecret') return secret('Of a confidential app; public apps have none.');
  }
  return FIELDS[key] ?? z.never();
}

/** One entry of `integrations.azure`, its credentials looked at one by one elsewhere. */
export const integrationSchema = mapping({
  host: text('a host name')
    .optional()
    .describe(
      'Default: `dev.azure.com`. Also `{organization}.visualstudio.com`, the host of an Azure DevOps Server, or `*`.',
    ),
  credentials: z
    .array(z.unknown(), {error: LIST})
    .nullish()
    .describe('Who acts for which organization. The kind of each follows from its fields.'),
  apiVersion: z.unknown().optional().describe('Backstage’s; ignored.'),
  commitSigningKey: z.unknown().optional().describe('Backstage’s; ignored.'),
  token: z.unknown().optional().meta({deprecated: true, description: 'Removed: use `credentials`.'}),
  credential: z.unknown().optional().meta({deprecated: true, description: 'Removed: use `credentials`.'}),
});

/** The section `orgkey`. */
export const orgkeySchema = mapping({
  prefetch: flag('Tokens of the configured organizations are acquired at start.').default(true).optional(),
  onFailure: text('quit or pass', '^(?:quit|pass)$')
    .default('quit')
    .optional()
    .describe(
      'What git does where a configured organization fails: `quit` with the reason, or `pass` to its next helper.',
    ),
  idleExit: text('never, or a time as in 90s, 10m or 2h', '^(?:never|\\d+\\s?[smhd])$')
    .default('never')
    .optional()
    .describe('The daemon ends after this long without a request: `10m`, `2h`.'),
  entra: mapping({
    authorityHost: text('an https address', '^\\s*https://')
      .default('https://login.microsoftonline.com')
      .optional()
      .describe('Where Entra is: another address for national clouds.'),
    disableInstanceDiscovery: flag('For authorities that Microsoft does not know.').default(false).optional(),
  })
    .optional()
    .describe('How Entra is reached.'),
  sockets: list(
    mapping({
      name: text('lower-case letters, digits and hyphens', '^[a-z0-9][a-z0-9-]{0,30}$').describe(
        'Names the directory `scoped/NAME`: lower-case letters, digits and hyphens.',
      ),
      organizations: organizations.describe('The organizations that it serves, and no others.'),
      mode: text('as in "0600"', '^0?o?[0-7]{3}$')
        .default('0600')
        .optional()
        .describe('The permissions of the socket, in quotes.'),
      group: text().optional().describe('The group that owns the socket. Default: the daemon’s own.'),
    }),
  )
    .optional()
    .describe('Scoped sockets: for containers and for other users.'),
  submodules: list(
    mapping({
      organizations: organizations.describe('The organizations that the key is for.'),
      host: text('a host name')
        .default('ssh.dev.azure.com')
        .optional()
        .describe(
          'The host’s ssh name, or `NAME:PORT` for one port only. The default stands for vs-ssh.visualstudio.com too.',
        ),
      privateKey: z
        .union([SECRET, AGENT_KEY], {error: 'a secret, or $agent with publicKey'})
        .describe(
          'The private key, without a passphrase: one made for submodules, not your own. Or `{$agent: SSH_AUTH_SOCK, publicKey: …}`, a key that your ssh-agent holds.',
        ),
      repositories: list(text())
        .optional()
        .describe(
          'Patterns `PROJECT/REPOSITORY`, `*` for any run of characters. Default: all of the organizations.',
        ),
      knownHosts: text()
        .optional()
        .describe('The host’s keys, lines as in OpenSSH’s known_hosts. Default: built in for Azure DevOps.'),
    }),
  )
    .optional()
    .describe('SSH keys that are used for submodules only.'),
  ssh: mapping({
    proxyCommand: text()
      .default('none')
      .optional()
      .describe('A command whose standard streams lead to the ssh host, as OpenSSH’s ProxyCommand.'),
    keyHolder: z
      .unknown()
      .optional()
      .meta({deprecated: true, description: 'Removed: use `$agent` in `submodules[].privateKey`.'}),
  })
    .optional()
    .describe('How ssh hosts are reached.'),
  metrics: mapping({
    listen: text()
      .default('off')
      .optional()
      .describe('Where Prometheus finds the metrics: `127.0.0.1:9464`, or the absolute path of a socket.'),
  })
    .optional()
    .describe('Metrics.'),
  audit: mapping({
    maxSize: z
      .union([z.number(), text()], {error: 'a size as in 10MiB'})
      .default('10MiB')
      .optional()
      .describe('A new audit file is begun at this size. Each scoped socket has files of its own.'),
    files: z
      .union(
        [
          z.number(),
          z.string({error: 'a number'}).regex(new RegExp(PLACEHOLDER), {error: 'a number'}),
          z.strictObject({$env: z.string()}),
        ],
        {
          error: 'a number',
        },
      )
      .default(5)
      .optional()
      .describe('How many audit files are kept, of each scoped socket as well.'),
  })
    .optional()
    .describe('The record of every credential that was handed out.'),
});

/** The whole file, as editors see it. Keys of others are theirs. */
export function fileSchema(): z.ZodType {
  const credentials = CREDENTIAL_KINDS.map((kind) => credentialSchema(kind));
  const integration = integrationSchema.extend({
    credentials: z
      .array(z.union(credentials))
      .nullish()
      .describe('Who acts for which organization. The kind of each follows from its fields.'),
  });
  return z.looseObject({
    integrations: z
      .looseObject({
        azure: z.array(integration).optional().describe('Hosts of Azure DevOps, as in Backstage.'),
      })
      .optional()
      .describe('Backstage’s section; other integrations than `azure` are ignored.'),
    orgkey: orgkeySchema.optional().describe('Settings of the daemon. Everything has a default.'),
  });
}
