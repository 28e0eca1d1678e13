import {flag, required, text} from './command.ts';

/** Options and arguments that several commands take. */

export const json = flag('print JSON for programs');

export const organization = required('its name or URL; HOST/COLLECTION on a server');

export const organizations = {
  type: 'string',
  array: true,
  describe: 'their names or URLs; HOST/COLLECTION on a server',
} as const;

export const keyOwner = required('its name or URL; SSH-HOST/COLLECTION on a server');

export const system = flag('for the whole machine; run as root');

export const dryRun = flag('change nothing, print what would be done');

const kinds = ['auto', 'systemd', 'launchd', 'plain', 'none'] as const;

export const service = {
  ...text('what keeps the daemon running', 'KIND'),
  choices: kinds,
  default: 'auto',
} as const;

/** What a first configuration is made from. */
export const starter = {
  organization: {...text('Azure DevOps organization (repeatable; omit for all)', 'NAME'), array: true},
  host: text('Azure DevOps Server, instead of dev.azure.com', 'HOST'),
  'client-id': text('client ID of the application', 'GUID'),
  'tenant-id': text('tenant of the application', 'GUID'),
  'client-secret-file': text('sign in with the client secret in this file', 'FILE'),
  'client-certificate-file': text('sign in with the certificate and key in this PEM file', 'FILE'),
  'federated-token-file': text('sign in with the token that the platform keeps in this file', 'FILE'),
  'managed-identity': {
    type: 'string',
    describe: 'sign in with a managed identity: a client ID, or system-assigned',
    value: 'ID',
  },
  'pat-file': text('use the personal access token in this file', 'FILE'),
  oidc: {
    ...text('sign in with the token of a CI system', 'SYSTEM'),
    choices: ['github-actions', 'azure-pipelines'],
  },
  'service-connection-id': text('service connection, for --oidc azure-pipelines', 'GUID'),
  'azure-cli': flag('use the account that is signed in to the Azure CLI'),
  'sign-in': {...text('sign in as a user', 'METHOD'), choices: ['browser', 'device-code']},
  'from-env': flag("use Terraform's variables: ARM_…, AZDO_…"),
  stored: flag("keep what users type at git's prompt"),
  from: text('copy the Azure DevOps part of an app-config.yaml', 'FILE'),
} as const;

const {from: _, ...withoutFrom} = starter;

/** For a configuration that exists already. */
export const starterWithoutFrom = withoutFrom;
