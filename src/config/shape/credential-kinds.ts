/** How the credentials of the configuration are told apart: by their fields, not by a name. */
export interface CredentialKind {
  readonly kind:
    | 'client-secret'
    | 'client-certificate'
    | 'managed-identity'
    | 'managed-identity-assertion'
    | 'federated-token-file'
    | 'oidc'
    | 'azure-cli'
    | 'sign-in'
    | 'pat'
    | 'environment'
    | 'stored';
  /** For people, with its article. */
  readonly name: string;
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** In the order in which they are proposed where several are equally near. */
export const CREDENTIAL_KINDS: readonly CredentialKind[] = [
  {
    kind: 'client-secret',
    name: 'a client secret',
    required: ['clientId', 'clientSecret', 'tenantId'],
    optional: [],
  },
  {kind: 'pat', name: 'a personal access token', required: ['personalAccessToken'], optional: []},
  {kind: 'managed-identity', name: 'a managed identity', required: ['clientId'], optional: []},
  {
    kind: 'managed-identity-assertion',
    name: 'a client assertion of a managed identity',
    required: ['clientId', 'managedIdentityClientId', 'tenantId'],
    optional: [],
  },
  {
    kind: 'client-certificate',
    name: 'a client certificate',
    required: ['clientId', 'clientCertificate', 'tenantId'],
    optional: ['clientCertificatePassword'],
  },
  {
    kind: 'federated-token-file',
    name: 'a federated token file',
    required: ['clientId', 'tenantId', 'federatedTokenFile'],
    optional: [],
  },
  {
    kind: 'oidc',
    name: 'a pipeline’s OIDC token',
    required: ['clientId', 'tenantId', 'oidc'],
    optional: ['serviceConnectionId'],
  },
  {kind: 'azure-cli', name: 'the Azure CLI', required: ['azureCli'], optional: ['tenantId']},
  {
    kind: 'sign-in',
    name: 'a user who signs in',
    required: ['signIn'],
    optional: ['issuer', 'tenantId', 'clientId', 'clientSecret', 'scopes'],
  },
  {kind: 'environment', name: 'the environment', required: ['environment'], optional: []},
  {kind: 'stored', name: 'stored logins', required: ['stored'], optional: ['persist']},
];

/** Every key that a credential may have. */
export const CREDENTIAL_KEYS: readonly string[] = [
  ...new Set([
    'organizations',
    ...CREDENTIAL_KINDS.flatMap(({required, optional}) => [...required, ...optional]),
  ]),
];

/** The keys whose values are secrets. */
export const SECRET_KEYS: ReadonlySet<string> = new Set([
  'clientSecret',
  'clientCertificate',
  'clientCertificatePassword',
  'personalAccessToken',
  'privateKey',
  // Backstage's
  'commitSigningKey',
]);

export type ChosenKind =
  | {readonly kind: 'fits'; readonly fits: CredentialKind}
  | {
      readonly kind: 'unfit';
      readonly nearest: CredentialKind;
      readonly missing: readonly string[];
      readonly surplus: readonly string[];
    };

/** `keys` are known ones, without `organizations`. */
export function chooseKind(keys: ReadonlySet<string>): ChosenKind {
  let nearest: Extract<ChosenKind, {kind: 'unfit'}> | undefined;
  for (const candidate of CREDENTIAL_KINDS) {
    const missing = candidate.required.filter((key) => !keys.has(key));
    const surplus = [...keys].filter(
      (key) => !candidate.required.includes(key) && !candidate.optional.includes(key),
    );
    if (missing.length + surplus.length === 0) return {kind: 'fits', fits: candidate};
    if (nearest === undefined || costOf({missing, surplus}) < costOf(nearest)) {
      nearest = {kind: 'unfit', nearest: candidate, missing, surplus};
    }
  }
  if (nearest === undefined) throw new Error('there is no kind of credential');
  return nearest;
}

/** A forgotten field is likelier than one too much, and one that only names the kind is rarely forgotten. */
function costOf({
  missing,
  surplus,
}: {
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}): number {
  const costs = missing.map((key) => (NAMING.has(key) ? 2.5 : 1));
  return costs.reduce((sum, cost) => sum + cost, surplus.length * 1.5);
}

/** The keys that say nothing but which kind is meant. */
const NAMING: ReadonlySet<string> = new Set(['azureCli', 'environment', 'oidc', 'signIn', 'stored']);
