import {SERVICE_WORDS} from './choose-service.ts';
import {command, flag, optional, required, text, type Command} from './command.ts';

const json = flag('print JSON, for programs');

/** What a first configuration is made from. */
const starter = {
  organization: {...text('for this organization, again for more; none: for all', 'NAME'), array: true},
  host: text('an Azure DevOps Server instead of dev.azure.com', 'HOST'),
  'client-id': text('client id of the application', 'GUID'),
  'tenant-id': text('its tenant', 'GUID'),
  'client-secret-file': text('sign in with the client secret in it', 'FILE'),
  'client-certificate-file': text('sign in with certificate and key, PEM', 'FILE'),
  'federated-token-file': text('sign in with the token that a platform puts there', 'FILE'),
  'managed-identity': {
    type: 'string',
    describe: 'sign in as this machine: CLIENT_ID, or system-assigned',
  },
  'pat-file': text('use the personal access token in it', 'FILE'),
  oidc: {
    ...text('sign in with the token of a pipeline', 'SYSTEM'),
    choices: ['github-actions', 'azure-pipelines'],
  },
  'service-connection-id': text('for azure-pipelines', 'GUID'),
  'azure-cli': flag('sign in as whoever is in the Azure CLI'),
  'sign-in': {...text('sign in as a person', 'HOW'), choices: ['browser', 'device-code']},
  'terraform-environment': flag('read what Terraform reads: ARM_…, AZDO_…'),
  stored: flag("keep what is typed at git's prompt"),
} as const;

const system = flag('for the whole machine, as root');

/** Every command there is, in the order in which people need them. */
export const commands: readonly Command[] = [
  command({
    usage: 'setup',
    summary: 'configure orgkey, start it, tell git about it, and test it',
    options: {
      ...starter,
      service: {...text('what keeps the daemon running', 'KIND'), choices: SERVICE_WORDS, default: 'auto'},
      system,
      'no-proactive-auth': flag('let the first request of git go without credential'),
      'dry-run': flag('change nothing, show what would be done'),
    },
    run: async (options, context) => (await import('./commands/setup.ts')).setup(options, context),
  }),
  command({
    usage: 'status',
    summary: 'show what the daemon serves, and what is wrong',
    options: {watch: flag('go on, once a second'), json},
    run: async (options, context) => (await import('./commands/status.ts')).status(options, context),
  }),
  command({
    usage: 'uninstall',
    summary: 'take back what setup did',
    options: {
      system,
      purge: flag('the configuration and everything remembered as well'),
      'dry-run': flag('change nothing, show what would be done'),
    },
    run: async (options, context) => (await import('./commands/uninstall.ts')).uninstall(options, context),
  }),
];
void optional;
void required;
