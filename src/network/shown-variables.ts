import {printable} from '../text/printable.ts';
import {showAddress} from '../text/show-address.ts';
import {variableOf} from './proxy.ts';
import type {Environment} from '../text/environment.ts';

/**
 * Returns the variables that decide about proxies, trusted certificates and identity endpoints, as they may be shown:
 * of an address scheme, host and port; of a secret only that it is set. A variable in lower case wins over its twin in
 * upper case, as in curl. Variables that are not set are left out.
 */
export function shownVariables(environment: Environment): Readonly<Record<string, string>> {
  const shown: Record<string, string> = {};
  for (const name of NAMES) {
    const value = variableOf(environment, name)?.value;
    if (value !== undefined) shown[name] = shownValue(name, value);
  }
  return shown;
}

function shownValue(name: string, value: string): string {
  if (SECRETS.has(name)) return '[set]';
  const isAddress = ADDRESSES.has(name) || /[@?]|:\/\//.test(value);
  return printable(isAddress ? showAddress(value, 'server').shown : value, 200);
}

const ADDRESSES: ReadonlySet<string> = new Set([
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'IDENTITY_ENDPOINT',
  'IMDS_ENDPOINT',
  'MSI_ENDPOINT',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'SYSTEM_OIDCREQUESTURI',
]);

const SECRETS: ReadonlySet<string> = new Set([
  'IDENTITY_HEADER',
  'MSI_SECRET',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SYSTEM_ACCESSTOKEN',
]);

const NAMES: readonly string[] = [
  ...ADDRESSES,
  ...SECRETS,
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_FILE',
  'AZURE_CONFIG_DIR',
];
