import {AZURE_CLI_CLIENT_ID} from '../../identity/identity.ts';
import {nearestWord} from '../../text/nearest-word.ts';
import {list} from './collections.ts';
import type {Key, Keys, Kind, Shape} from './kind.ts';
import {GUID, HOST, HTTPS, MANAGED_IDENTITY, PATH, SCOPES, TENANT, TEXT} from './keys.ts';
import {ANYTHING, FLAG, oneOf, secret, SWITCH} from './scalars.ts';
import type {Written} from '../text/written.ts';

const organizations = {
  kind: list(TEXT),
  optional: true,
  describe:
    'The organizations, or a server’s collections, that it is for. None: all that no other credential names.',
} as const;

const clientId = {kind: GUID, describe: 'The client id of the app registration, a GUID.'};
const tenantId = {kind: TENANT, describe: 'The tenant of Entra, a GUID.'};

/**
 * The kinds of credentials, which differ in their keys, not by a name. In the order in which they are proposed
 * if several are equally near.
 */
export const CREDENTIALS = {
  'client-secret': {
    name: 'a client secret',
    keys: {
      organizations,
      clientId,
      clientSecret: {kind: secret('line'), describe: 'The client secret of the app registration.'},
      tenantId,
    },
  },
  pat: {
    name: 'a personal access token',
    keys: {
      organizations,
      personalAccessToken: {
        kind: secret('line'),
        describe: 'The token as Azure DevOps showed it, not encoded.',
      },
    },
  },
  'managed-identity': {
    name: 'a managed identity',
    keys: {
      organizations,
      clientId: {
        kind: MANAGED_IDENTITY,
        describe: 'The client id of the managed identity, or `system-assigned`.',
      },
    },
  },
  'managed-identity-assertion': {
    name: 'a client assertion of a managed identity',
    keys: {
      organizations,
      clientId,
      managedIdentityClientId: {
        kind: MANAGED_IDENTITY,
        describe: 'The client id of the managed identity that makes the assertion, or `system-assigned`.',
      },
      tenantId,
    },
  },
  'client-certificate': {
    name: 'a client certificate',
    keys: {
      organizations,
      clientId,
      clientCertificate: {kind: secret('lines'), describe: 'PEM with the certificate and its RSA key.'},
      tenantId,
      clientCertificatePassword: {
        kind: secret('line'),
        optional: true,
        describe: 'The password of the certificate’s key.',
      },
    },
  },
  'federated-token-file': {
    name: 'a federated token file',
    keys: {
      organizations,
      clientId,
      tenantId,
      federatedTokenFile: {
        kind: PATH,
        describe: 'The file that holds the token; it is read again at each exchange.',
      },
    },
  },
  oidc: {
    name: 'a pipeline’s OIDC token',
    keys: {
      organizations,
      clientId,
      tenantId,
      oidc: {
        kind: oneOf('github-actions', 'azure-pipelines'),
        describe: 'The platform of the job: `github-actions` or `azure-pipelines`.',
      },
      serviceConnectionId: {
        kind: GUID,
        optional: true,
        describe: 'For `azure-pipelines`: the id of the service connection.',
      },
    },
  },
  'azure-cli': {
    name: 'the Azure CLI',
    keys: {
      organizations,
      azureCli: {kind: SWITCH, describe: '`true`: tokens come from `az`, signed in as its user.'},
      tenantId: {...tenantId, optional: true},
    },
  },
  'sign-in': {
    name: 'a user who signs in',
    keys: {
      organizations,
      signIn: {
        kind: oneOf('browser', 'device-code'),
        describe: 'Users sign in with `orgkey login`: in the `browser`, or elsewhere with a `device-code`.',
      },
      issuer: {
        kind: HTTPS,
        optional: true,
        describe:
          'The address of who signs users in. Default: Entra, `https://login.microsoftonline.com/{tenant}/v2.0`.',
      },
      tenantId: {...tenantId, optional: true},
      clientId: {
        kind: GUID,
        default: AZURE_CLI_CLIENT_ID,
        describe: 'The client id of your own app. The default is the app of the Azure tools.',
      },
      clientSecret: {
        kind: secret('line'),
        optional: true,
        describe: 'The secret of a confidential app; public apps have none.',
      },
      scopes: {
        kind: SCOPES,
        optional: true,
        describe: 'The scopes to ask for: `vso.code`, or in full. Default: all of Azure DevOps (`.default`).',
      },
    },
  },
  environment: {
    name: 'the environment',
    keys: {
      organizations,
      environment: {
        kind: oneOf('terraform', 'azure'),
        describe:
          '`terraform`: the identity comes from the ARM_*, AZURE_* and AZDO_* variables, as in Terraform’s provider. `azure`: from the AZURE_* variables, as with Azure’s DefaultAzureCredential.',
      },
    },
  },
  stored: {
    name: 'stored logins',
    keys: {
      organizations,
      stored: {kind: SWITCH, describe: '`true`: what users type at git’s prompt is kept and served.'},
      persist: {kind: FLAG, default: false, describe: 'Whether what is stored survives a restart.'},
    },
  },
} satisfies Readonly<Record<string, Shape>>;

export type CredentialKind = keyof typeof CREDENTIALS;

/** Every kind, in the order of the table. */
export const CREDENTIAL_KINDS = namesOf(CREDENTIALS);

function namesOf<Table extends object>(table: Table): Extract<keyof Table, string>[] {
  const names: Extract<keyof Table, string>[] = [];
  for (const name in table) names.push(name);
  return names;
}

interface Shapes {
  readonly kind: CredentialKind;
  readonly name: string;
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

const SHAPES: readonly Shapes[] = CREDENTIAL_KINDS.map((kind) => {
  const {name, keys} = CREDENTIALS[kind];
  const own = Object.entries<Key>(keys).filter(([key]) => key !== 'organizations');
  return {
    kind,
    name,
    required: own.filter(([, key]) => isRequired(key)).map(([key]) => key),
    optional: own.filter(([, key]) => !isRequired(key)).map(([key]) => key),
  };
});

export function isRequired({kind, optional, default: fallback, removed}: Key): boolean {
  return optional !== true && fallback === undefined && removed === undefined && kind.form.name !== 'mapping';
}

/** Every key that a credential can have, each optional: for credentials whose keys fit no kind. */
export const ANY_CREDENTIAL = {
  ...anyKeys(),
  organizations,
  clientId: {...CREDENTIALS['managed-identity'].keys.clientId, optional: true},
} satisfies Keys;

function anyKeys(): Keys {
  const all = CREDENTIAL_KINDS.flatMap((kind) => Object.entries<Key>(CREDENTIALS[kind].keys));
  return Object.fromEntries(
    all.map(([name, {kind, describe}]) => [name, {kind, describe, optional: true as const}]),
  );
}

const ANY_KEYS = Object.keys(ANY_CREDENTIAL);

type ChosenKind =
  | {readonly kind: 'fits'; readonly fits: CredentialKind}
  /** `message` and `hint` are those of the problem. */
  | {readonly kind: 'unfit'; readonly message: string; readonly hint: string};

/** Chooses the kind of a credential by its keys. A misspelt key counts as the key that was meant. */
export function chooseKind(written: Iterable<string>): ChosenKind {
  const keys = new Set<string>();
  for (const key of written) {
    const known = ANY_KEYS.includes(key) ? key : nearestWord(key, ANY_KEYS);
    if (known !== undefined && known !== 'organizations') keys.add(known);
  }
  const candidates = SHAPES.map((shape) => differenceOf(shape, keys));
  const fitting = candidates.find(({cost}) => cost === 0);
  if (fitting !== undefined) return {kind: 'fits', fits: fitting.shape.kind};
  const nearest = candidates.reduce((best, one) => (one.cost < best.cost ? one : best));
  return {kind: 'unfit', ...describeDifference(nearest)};
}

interface Difference {
  readonly shape: Shapes;
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
  readonly cost: number;
}

/** A forgotten key is likelier than a surplus one, and a key that only names the kind is rarely forgotten. */
function differenceOf(shape: Shapes, keys: ReadonlySet<string>): Difference {
  const missing = shape.required.filter((key) => !keys.has(key));
  const surplus = [...keys].filter((key) => !shape.required.includes(key) && !shape.optional.includes(key));
  const costs = missing.map((key) => (NAMING.has(key) ? 2.5 : 1));
  const cost = costs.reduce((sum, one) => sum + one, surplus.length * 1.5);
  return {shape, missing, surplus, cost};
}

/** The keys that only say which kind is meant. */
const NAMING: ReadonlySet<string> = new Set(['azureCli', 'environment', 'oidc', 'signIn', 'stored']);

function describeDifference({shape, missing, surplus}: Difference): {
  readonly message: string;
  readonly hint: string;
} {
  const differences = [
    ...(missing.length > 0 ? [`which needs ${listed(missing)}`] : []),
    ...(surplus.length > 0 ? [`which does not allow ${listed(surplus)}`] : []),
  ];
  const optional = shape.optional.length === 0 ? '' : `, optional ${listed(shape.optional)}`;
  return {
    message: `the keys match no credential type; the closest is ${shape.name}, ${differences.join(', and ')}`,
    hint: `${shape.name} has exactly ${listed(shape.required)}${optional}`,
  };
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** The credentials of a host. They are read one by one, because the kind of each follows from its keys. */
const CREDENTIAL_LIST: Kind<readonly Written[]> = {
  form: {
    name: 'list',
    item: {name: 'one of', shapes: CREDENTIAL_KINDS.map((kind) => CREDENTIALS[kind])},
    mayBeNothing: true,
  },
  read(written, slot, reader) {
    if (written.kind === 'list') return written.items;
    return written.kind === 'nothing' ? [] : reader.wrongType(written, slot, 'a list');
  },
};

/** One entry of `integrations.azure`, as in Backstage. */
export const INTEGRATION = {
  host: HOST,
  credentials: {
    kind: CREDENTIAL_LIST,
    optional: true,
    describe: 'Who acts for which organization. The kind of each follows from its keys.',
  },
  apiVersion: {kind: ANYTHING, optional: true, describe: 'Backstage’s; ignored.'},
  commitSigningKey: {kind: ANYTHING, optional: true, describe: 'Backstage’s; ignored.'},
  token: {
    kind: ANYTHING,
    removed: {message: 'use credentials', hint: 'write credentials: [{personalAccessToken: …}]'},
    describe: 'Removed: use `credentials`.',
  },
  credential: {
    kind: ANYTHING,
    removed: {message: 'use credentials', hint: 'write credentials: [{…}], a list of what is here'},
    describe: 'Removed: use `credentials`.',
  },
} satisfies Keys;
