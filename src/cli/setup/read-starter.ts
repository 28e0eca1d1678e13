import {isGuid} from '../../text/guid.ts';
import {printable} from '../../text/printable.ts';
import type {Context} from '../context.ts';
import {absolute} from '../locate.ts';
import {readOrganization} from '../organizations/named-organization.ts';
import type {StarterOptions} from './starter-configuration.ts';
import {usageError} from '../command-error.ts';

/**
 * Checks the options that describe a credential, resolves their paths, and turns URLs of organizations into names.
 * @throws {CommandError} that names the option which is wrong.
 */
export function readStarter<O extends StarterOptions>(options: O, context: Context): O {
  for (const name of ['client-id', 'tenant-id', 'service-connection-id'] as const)
    requireGuid(name, options[name]);
  const identity = options['managed-identity'];
  if (identity !== undefined && identity !== '' && identity !== 'system-assigned')
    requireGuid('managed-identity', identity, 'a GUID or system-assigned');
  const at = (path: string | undefined) => (path === undefined ? undefined : absolute(path, context));
  return {
    ...options,
    ...readNames(options),
    'client-secret-file': at(options['client-secret-file']),
    'client-certificate-file': at(options['client-certificate-file']),
    'federated-token-file': at(options['federated-token-file']),
    'pat-file': at(options['pat-file']),
    from: at(options.from),
  };
}

function readNames({organization, host}: StarterOptions): Pick<StarterOptions, 'organization' | 'host'> {
  if (organization === undefined || organization.length === 0) return {organization, host};
  const named = organization.map((word) => readOrganization(word, host));
  const hosts = [...new Set(named.map((one) => one.host))];
  const [only = host] = hosts;
  if (hosts.length > 1)
    throw usageError(`these organizations are on several hosts: ${hosts.join(', ')}`, 'add them one by one');
  return {organization: [...new Set(named.map((one) => one.organization))], host: only};
}

function requireGuid(name: string, value: string | undefined, what = 'a GUID'): void {
  if (value === undefined || isGuid(value)) return;
  const isDomain = name === 'tenant-id' && value.includes('.');
  throw usageError(
    `--${name} must be ${what}: ${printable(value, 60)}`,
    isDomain ? 'a domain is not enough: the portal shows the tenant ID' : undefined,
  );
}
