import {defineCommand, flag, optional, required, text, type Command} from './command.ts';
import {
  dryRun,
  json,
  organization,
  organizations,
  service,
  starter,
  starterWithoutFrom,
  system,
} from './shared-options.ts';

/** Setting up, looking, signing in, and tokens for other tools, in the order in which people need them. */
export const everydayCommands: readonly Command[] = [
  defineCommand({
    usage: 'setup',
    summary: 'write a configuration, start the daemon, configure git, and test',
    description:
      'Without options it asks, or uses the configuration that exists. Options add their organizations to it, or change how orgkey signs in to them. Nothing is changed before everything that can be checked has been checked.',
    options: {
      ...starter,
      service,
      system,
      'proactive-auth': flag(
        'let git send the credential with its first request, which saves a round trip; not for machines on which a command brings its own Authorization header',
      ),
      'no-proactive-auth': flag("the default: git's first request has no credential"),
      gateway: flag(
        'lead git through a gateway, which adds the credential: git holds none, and starts no helper; stays until --no-gateway',
      ),
      'no-gateway': flag('remove that gateway'),
      tools: {
        type: 'string',
        describe:
          'make tools ask orgkey too: a list like cargo,pip; without a list, those that are installed',
        value: 'LIST',
      },
      'dry-run': dryRun,
      verbose: flag('print every setting of git'),
    },
    examples: [
      {command: 'orgkey setup', note: 'answer a few questions'},
      {command: 'orgkey setup --organization contoso --sign-in browser', note: 'sign in as yourself'},
      {
        command: 'orgkey setup --organization contoso --managed-identity system-assigned',
        note: 'on a virtual machine in Azure',
      },
      {
        command: 'orgkey setup --organization fabrikam --pat-file fabrikam.pat --dry-run',
        note: 'show the changes first',
      },
    ],
    run: async (options, context) => (await import('../commands/setup.ts')).setup(options, context),
  }),
  defineCommand({
    usage: 'status [organization..]',
    summary: 'show what the daemon serves, and what is wrong',
    options: {
      organization: {...optional('show only these; HOST/COLLECTION on a server'), array: true},
      failed: flag('show only organizations with an error or a warning'),
      'fail-on': {
        ...text('the least level that makes the exit code 1', 'LEVEL'),
        choices: ['warning', 'error'],
        default: 'error',
      },
      watch: flag('refresh every second'),
      json,
    },
    examples: [
      {command: 'orgkey status --watch'},
      {command: 'orgkey status --failed', note: 'only what needs attention'},
      {
        command: 'orgkey status --fail-on warning >/dev/null',
        note: 'for a check that also counts warnings',
      },
      {command: 'orgkey status --json | jq .organizations'},
    ],
    exitCodes: {
      1: 'an organization fails, the file on disk is not the configuration in force, or something else is wrong',
    },
    run: async (options, context) => (await import('../commands/status.ts')).status(options, context),
  }),
  defineCommand({
    usage: 'doctor [url]',
    configuration: 'of the daemon',
    summary: 'find out what is wrong and how to repair it',
    description: 'It checks everything between git and the organization, and changes nothing.',
    options: {
      url: optional('an organization or a repository; default: every organization'),
      failed: flag('only organizations for which orgkey status shows an error or a warning'),
      json,
      bundle: text('write a report without secrets to a new file', 'FILE'),
    },
    examples: [
      {command: 'orgkey doctor contoso'},
      {command: 'orgkey doctor https://dev.azure.com/contoso/project/_git/repository'},
      {command: 'orgkey doctor --failed'},
      {command: 'orgkey doctor --bundle report.txt', note: 'a report for someone who helps you'},
    ],
    exitCodes: {1: 'at least one check failed'},
    run: async (options, context) => (await import('../commands/doctor.ts')).doctor(options, context),
  }),
  defineCommand({
    usage: 'which <url>',
    configuration: 'of the daemon',
    summary: 'explain which rule, identity and socket serve a repository',
    options: {url: required('a repository over HTTPS or SSH, or an organization'), json},
    examples: [
      {command: 'orgkey which contoso'},
      {command: 'orgkey which git@ssh.dev.azure.com:v3/contoso/project/repository'},
    ],
    run: async (options, context) => (await import('../commands/which.ts')).which(options, context),
  }),
  defineCommand({
    usage: 'login <organization>',
    configuration: 'of the daemon',
    summary: 'sign in as a user, and test the sign-in',
    description:
      'It asks Azure DevOps whether it accepts the user. Without a display, in an SSH session, it offers a code for another device.',
    options: {
      organization,
      paste: flag('enter a personal access token instead'),
      'device-code': flag('sign in with a code on another device'),
      account: text('the account that must sign in; it replaces the one before', 'NAME'),
      json,
    },
    examples: [
      {command: 'orgkey login contoso'},
      {command: 'orgkey login contoso --device-code', note: 'over SSH'},
      {command: 'orgkey login contoso --account ada@contoso.example', note: 'change the account'},
      {command: 'orgkey login fabrikam --paste', note: 'replace an expired personal access token'},
    ],
    run: async (options, context) => (await import('../commands/login.ts')).login(options, context),
  }),
  defineCommand({
    usage: 'logout <organization>',
    summary: 'forget a sign-in',
    options: {organization},
    examples: [{command: 'orgkey logout contoso'}],
    run: async (options, context) => (await import('../commands/logout.ts')).logout(options, context),
  }),
  defineCommand({
    usage: 'token <organization>',
    summary: 'print an access token for scripts',
    options: {
      organization,
      resource: text('a token for another resource than Azure DevOps', 'URI'),
      header: flag('print the whole Authorization header'),
      json,
    },
    examples: [
      {command: 'curl -H "$(orgkey token contoso --header)" "$URL"', note: 'call the REST API'},
      {command: 'orgkey token contoso --resource https://management.azure.com'},
    ],
    run: async (options, context) => (await import('../commands/token.ts')).printToken(options, context),
  }),
  defineCommand({
    usage: 'exec <organization> -- COMMAND…',
    summary: 'run a command with a token in its environment',
    description:
      'The token is in ORGKEY_TOKEN, SYSTEM_ACCESSTOKEN and AZURE_DEVOPS_EXT_PAT, in a private configuration of npm, and for each --feed in the variables of NuGet, pip, uv, twine, Maven and Cargo.',
    options: {
      organization,
      feed: {
        ...text('a feed for NuGet, pip, uv, twine, Maven and Cargo (repeatable)', '[PROJECT/]FEED'),
        array: true,
      },
    },
    examples: [
      {command: 'orgkey exec contoso -- npm publish'},
      {command: 'orgkey exec contoso --feed web/packages -- pip install NAME'},
    ],
    exitCodes: {
      126: 'the command cannot be run',
      127: 'the command does not exist',
      any: 'otherwise the exit code of the command',
    },
    run: async (options, context) => (await import('../commands/exec.ts')).exec(options, context),
  }),
  defineCommand({
    usage: 'org list',
    configuration: 'of the daemon',
    summary: 'list the configured organizations',
    options: {json},
    run: async (options, context) =>
      (await import('../commands/org/list.ts')).listOrganizations(options, context),
  }),
  defineCommand({
    usage: 'org add [organization..]',
    configuration: 'of the daemon',
    summary: 'add organizations to the configuration, or change how orgkey signs in to them',
    description:
      'Without options it asks. The rest of the configuration stays as it is, comments included. git and a running daemon use the change at once.',
    options: {...starterWithoutFrom, organization: organizations},
    examples: [
      {command: 'orgkey org add fabrikam --pat-file fabrikam.pat'},
      {command: 'orgkey org add https://dev.azure.com/contoso --sign-in browser'},
    ],
    exitCodes: {4: 'the organization was added, but Azure DevOps rejects the credential'},
    run: async (options, context) =>
      (await import('../commands/org/add.ts')).addOrganizations(options, context),
  }),
  defineCommand({
    usage: 'org remove [organization..]',
    configuration: 'of the daemon',
    summary: 'remove organizations from the configuration',
    description:
      'A credential goes with its last organization. Files with secrets stay. git and a running daemon use the change at once.',
    options: {organization: organizations, host: starter.host},
    examples: [{command: 'orgkey org remove fabrikam'}],
    exitCodes: {2: 'the organization is not configured, or the command line is not valid'},
    run: async (options, context) =>
      (await import('../commands/org/remove.ts')).removeOrganizations(options, context),
  }),
  defineCommand({
    usage: 'org test [organization]',
    configuration: 'of the daemon',
    summary: 'ask one organization, or each, whether it accepts the credential',
    options: {
      organization: optional('its name or URL; default: every organization that is configured by name'),
      json,
    },
    examples: [{command: 'orgkey org test contoso'}],
    exitCodes: {
      1: 'an organization failed for another reason than a rejected credential, or could not be asked',
    },
    run: async (options, context) => (await import('../commands/org/test.ts')).testEach(options, context),
  }),
];
