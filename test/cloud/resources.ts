/** What tokens are for. The first name is the one that goes into `aud`. */
export interface Resource {
  readonly id: string;
  readonly names: readonly string[];
  readonly audience: string;
  /** Delegated permissions, as people consent to them. */
  readonly permissions: RegExp;
}

// fact 1
export const azureDevOps: Resource = {
  id: '499b84ac-1321-427f-aa17-267ca6975798',
  names: ['499b84ac-1321-427f-aa17-267ca6975798', 'https://app.vssps.visualstudio.com'],
  audience: '499b84ac-1321-427f-aa17-267ca6975798',
  permissions: /^(user_impersonation|vso\.[a-z_]+)$/,
};

export const keyVault: Resource = {
  id: 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
  names: ['https://vault.azure.net', 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093'],
  audience: 'https://vault.azure.net',
  permissions: /^user_impersonation$/,
};

/** The audience of client assertions. Entra writes the id into `aud` and takes either where it reads one. */
export const tokenExchange: Resource = {
  id: 'fb60f99c-7a34-4190-8149-302f77469936',
  names: [
    'api://AzureADTokenExchange',
    'api://AzureADTokenExchangeUSGov',
    'api://AzureADTokenExchangeChina',
    'fb60f99c-7a34-4190-8149-302f77469936',
  ],
  audience: 'fb60f99c-7a34-4190-8149-302f77469936',
  permissions: /^$/,
};

export const graph: Resource = {
  id: '00000003-0000-0000-c000-000000000000',
  names: ['https://graph.microsoft.com', '00000003-0000-0000-c000-000000000000'],
  audience: 'https://graph.microsoft.com',
  permissions: /^User\.Read$/i,
};

const management: Resource = {
  id: '797f4846-ba00-4fd7-ba43-dac1f8f63013',
  names: ['https://management.azure.com', 'https://management.core.windows.net'],
  audience: 'https://management.azure.com',
  permissions: /^user_impersonation$/,
};

const resources = [azureDevOps, keyVault, tokenExchange, graph, management];

export function findResource(name: string): Resource | undefined {
  const wanted = name.replace(/\/+$/, '').toLowerCase();
  return resources.find(({names}) => names.some((known) => known.toLowerCase() === wanted));
}
