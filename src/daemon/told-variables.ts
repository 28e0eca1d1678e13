import {printable} from '../text/printable.ts';

/**
 * The variables that decide the way out, what is trusted there and where identities are asked for, as they may be
 * told: no login of a proxy, no query of an address; of what is a secret only that it is set. Lower and upper case
 * count as one, the lower one wins, as in Node. Where a name is missing, nothing is set.
 */
export function toldVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const told: Record<string, string> = {};
  for (const name of NAMES) {
    const value = environment[name.toLowerCase()] || environment[name];
    if (!value) continue;
    told[name] = SECRETS.has(name) ? SET : printable(withoutLogin(value), 200);
  }
  return told;
}

/** In place of a value that is nobody's to see. */
const SET = '[set]';

const NAMES: readonly string[] = [
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
  'IMDS_ENDPOINT',
  'MSI_ENDPOINT',
  'MSI_SECRET',
  'AZURE_CONFIG_DIR',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SYSTEM_OIDCREQUESTURI',
  'SYSTEM_ACCESSTOKEN',
];

const SECRETS: ReadonlySet<string> = new Set([
  'IDENTITY_HEADER',
  'MSI_SECRET',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SYSTEM_ACCESSTOKEN',
]);

/** What is no address, such as a path, is told as it is. */
function withoutLogin(value: string): string {
  if (!/[@?]|:\/\//.test(value)) return value;
  const address = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (address === null) return SET;
  const {protocol, host, pathname} = address;
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
