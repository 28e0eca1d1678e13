import {EntraError} from '../entra-errors.ts';
import type {Exchange, Reply} from '../http-exchange.ts';

/** Hosts that Entra itself calls its own; requests elsewhere work, but instance discovery does not know them. */
export const microsoftHosts = [
  'login.microsoftonline.com',
  'login.microsoft.com',
  'login.windows.net',
  'sts.windows.net',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
];
/** Names in the place of a tenant for users of any tenant. */
export const sharedTenants = ['common', 'organizations'];

/** Whether Entra serves this host under its real name. */
export function isMicrosoftHost(host: string): boolean {
  return microsoftHosts.includes(host) || host === 'microsoft.com' || host === 'www.microsoft.com';
}

/** Whether two hosts lead to the same cloud. */
export function isAlias(one: string, other: string): boolean {
  const worldwide = microsoftHosts.slice(0, 4);
  return worldwide.includes(one) && worldwide.includes(other);
}

export function discoverInstance({host, query}: Exchange): Reply {
  const asked = URL.parse(query.get('authorization_endpoint') ?? '')?.host ?? '';
  if (!microsoftHosts.includes(asked) || !microsoftHosts.includes(host))
    throw new EntraError(50049, 'invalid_instance', 'Unknown or invalid instance.');
  const tenant = URL.parse(query.get('authorization_endpoint') ?? '')?.pathname.split('/')[1] ?? 'common';
  return {
    status: 200,
    body: {
      tenant_discovery_endpoint: `https://${asked}/${tenant}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [
        {
          preferred_network: 'login.microsoftonline.com',
          preferred_cache: 'login.windows.net',
          aliases: [
            'login.microsoftonline.com',
            'login.windows.net',
            'login.microsoft.com',
            'sts.windows.net',
          ],
        },
        {
          preferred_network: 'login.partner.microsoftonline.cn',
          preferred_cache: 'login.partner.microsoftonline.cn',
          aliases: ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
        },
        {
          preferred_network: 'login.microsoftonline.us',
          preferred_cache: 'login.microsoftonline.us',
          aliases: ['login.microsoftonline.us', 'login.usgovcloudapi.net'],
        },
      ],
    },
  };
}

/** Returns the OpenID configuration of a tenant, or of a name that several tenants share. */
export function openidConfiguration(id: string, askedHost: string): Reply {
  const base = `https://${askedHost}/${id}`;
  return {
    status: 200,
    body: {
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      issuer: sharedTenants.includes(id) ? `https://${askedHost}/{tenantid}/v2.0` : `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      tenant_region_scope: 'EU',
      cloud_instance_name: 'microsoftonline.com',
    },
  };
}
