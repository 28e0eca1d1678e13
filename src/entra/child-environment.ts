import {completeAddress, proxyNames, variableOf, withoutProxy} from '../network/proxy.ts';
import type {Environment} from '../text/environment.ts';

/**
 * Returns the environment of an acquirer: proxies and trusted certificates, nothing else. Above all no `AZURE_*`, which
 * would turn a managed identity into a workload identity or move the authority, no `NODE_OPTIONS` and no secret.
 * Fact 23.
 */
export function childEnvironment(
  variables: Environment,
  compileCache: string | undefined,
): Record<string, string> {
  const environment = pick(variables, passedOn);
  for (const name of proxyNames) {
    const address = variableOf(variables, name)?.value;
    if (address !== undefined) environment[name] = completeAddress(address);
  }
  const list = withoutProxy(variableOf(variables, 'NO_PROXY')?.value);
  return {
    ...environment,
    NO_PROXY: list,
    no_proxy: list,
    // without it, Node's own HTTP ignores the proxy variables
    NODE_USE_ENV_PROXY: '1',
    ...(compileCache === undefined ? {} : {NODE_COMPILE_CACHE: compileCache}),
  };
}

/** Returns what the Azure CLI needs to run and to find its sign-in. */
export function cliEnvironment(variables: Environment): Record<string, string> {
  return pick(variables, ofTheCli);
}

/** Returns the variables of managed identity endpoints; `IDENTITY_HEADER` and `MSI_SECRET` are secrets. */
export function managedIdentityVariables(variables: Environment): Record<string, string> {
  return pick(variables, ofManagedIdentity);
}

export const secretVariables: ReadonlySet<string> = new Set(['IDENTITY_HEADER', 'MSI_SECRET']);

const passedOn = ['NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA', 'SSL_CERT_FILE'];

const ofTheCli = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'AZURE_CONFIG_DIR',
  'REQUESTS_CA_BUNDLE',
  'TMPDIR',
];

// facts 17 to 22
const ofManagedIdentity = [
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'DEFAULT_IDENTITY_CLIENT_ID',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
  'IDENTITY_SERVER_THUMBPRINT',
  'IMDS_ENDPOINT',
  'MSI_ENDPOINT',
  'MSI_SECRET',
];

function pick(variables: Environment, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = variables[name];
    if (value !== undefined && value !== '') picked[name] = value;
  }
  return picked;
}
