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
    ...text('sign in with the token of', 'github-actions, azure-pipelines'),
    choices: ['github-actions', 'azure-pipelines'],
  },
  'service-connection-id': text('for azure-pipelines', 'GUID'),
  'azure-cli': flag('sign in as whoever is in the Azure CLI'),
  'sign-in': {...text('sign in as a person', 'browser, device-code'), choices: ['browser', 'device-code']},
  'from-env': flag('read what Terraform reads: ARM_…, AZDO_…'),
  stored: flag("keep what is typed at git's prompt"),
  from: text('take the Azure DevOps part of an app-config', 'FILE'),
} as const;

const organization = required('its name; HOST/COLLECTION on a server');

const keyOwner = required('its name; SSH-HOST/COLLECTION on a server');

const system = flag('for the whole machine, as root');

const kinds = ['auto', 'systemd', 'launchd', 'plain', 'none'] as const;
const service = {...text('what keeps the daemon running', kinds.join(', ')), choices: kinds, default: 'auto'};

/** Every command there is, in the order in which people need them. */
export const commands: readonly Command[] = [
  command({
    usage: 'setup',
    summary: 'configure orgkey, start it, tell git about it, and test it',
    options: {
      ...starter,
      service,
      system,
      'no-proactive-auth': flag('let the first request of git go without credential'),
      'dry-run': flag('change nothing, show what would be done'),
    },
    run: async (options, context) => (await import('../commands/setup.ts')).setup(options, context),
  }),
  command({
    usage: 'status',
    summary: 'show what the daemon serves, and what is wrong',
    options: {watch: flag('go on, once a second'), json},
    run: async (options, context) => (await import('../commands/status.ts')).status(options, context),
  }),
  command({
    usage: 'doctor [url]',
    summary: 'find out what is wrong, and what repairs it',
    example: 'orgkey doctor https://dev.azure.com/contoso/project/_git/repository',
    options: {
      url: optional('an organization, or a repository; none: each organization'),
      json,
      bundle: text('write a report for others into a new file, without secrets', 'FILE'),
    },
    run: async (options, context) => (await import('../commands/doctor.ts')).doctor(options, context),
  }),
  command({
    usage: 'which <url>',
    summary: 'explain which rule, identity and socket serve a repository',
    options: {url: required('of https or ssh, or the name of an organization'), json},
    run: async (options, context) => (await import('../commands/which.ts')).which(options, context),
  }),
  command({
    usage: 'login <organization>',
    summary: 'sign in as a person',
    options: {organization, paste: flag('enter a personal access token instead')},
    run: async (options, context) => (await import('../commands/login.ts')).login(options, context),
  }),
  command({
    usage: 'logout <organization>',
    summary: 'forget who signed in',
    options: {organization},
    run: async (options, context) => (await import('../commands/login.ts')).logout(options, context),
  }),
  command({
    usage: 'token <organization>',
    summary: 'print an access token, for scripts',
    options: {
      organization,
      resource: text('for another resource than Azure DevOps', 'URI'),
      header: flag('print the whole Authorization header'),
      json,
    },
    run: async (options, context) => (await import('../commands/token.ts')).token(options, context),
  }),
  command({
    usage: 'exec <organization>',
    summary: 'run a command, behind --, with the variables by which tools take a token',
    example: 'orgkey exec contoso --feed web/packages -- pip install NAME',
    options: {
      organization,
      feed: {...text('for NuGet, pip, uv, Maven and Cargo; again for more', '[PROJECT/]FEED'), array: true},
    },
    run: async (options, context) => (await import('../commands/exec.ts')).exec(options, context),
  }),
  command({
    usage: 'org list',
    summary: 'list the organizations that are configured',
    options: {json},
    run: async (options, context) => (await import('../commands/org.ts')).listOrganizations(options, context),
  }),
  command({
    usage: 'org test [organization]',
    summary: 'get a token for one organization, or for each',
    options: {organization: optional('its name')},
    run: async (options, context) => (await import('../commands/org.ts')).testEach(options, context),
  }),
  command({
    usage: 'ssh-key add <organization>',
    summary: 'use a key for the submodules of an organization',
    options: {
      organization: keyOwner,
      file: text('the private key, or - for stdin; else it is asked for', 'FILE'),
      force: flag('even if it is your own key'),
    },
    run: async (options, context) => (await import('../commands/ssh-key.ts')).add(options, context),
  }),
  command({
    usage: 'ssh-key new <organization>',
    summary: 'make such a key, and say where its public half belongs',
    options: {organization: keyOwner},
    run: async (options, context) => (await import('../commands/ssh-key.ts')).make(options, context),
  }),
  command({
    usage: 'ssh-key show-public <organization>',
    summary: 'print the public half',
    options: {organization: keyOwner},
    run: async (options, context) => (await import('../commands/ssh-key.ts')).showPublic(options, context),
  }),
  command({
    usage: 'ssh-key list',
    summary: 'list the keys: fingerprints and ages',
    options: {json},
    run: async (options, context) => (await import('../commands/ssh-key.ts')).list(options, context),
  }),
  command({
    usage: 'ssh-key remove <organization>',
    summary: 'delete the key of an organization',
    options: {organization: keyOwner},
    run: async (options, context) => (await import('../commands/ssh-key.ts')).remove(options, context),
  }),
  command({
    usage: 'ssh-key trust <host>',
    summary: "pin the host keys of a server of one's own",
    options: {
      host: required('HOST, or HOST:PORT'),
      fingerprint: {
        ...text('pin the key that has it without asking, again for more', 'SHA256:…'),
        array: true,
      },
    },
    run: async (options, context) => (await import('../commands/ssh-key.ts')).trust(options, context),
  }),
  command({
    usage: 'logs',
    summary: 'show what the daemon says',
    options: {
      follow: {...flag('go on with each new line'), alias: 'f'},
      audit: flag('who was handed what instead, as JSON lines'),
      json: flag('print the lines as JSON, for programs'),
    },
    run: async (options, context) => (await import('../commands/logs.ts')).logs(options, context),
  }),
  command({
    usage: 'metrics',
    summary: 'print the figures of the daemon, for Prometheus',
    options: {},
    run: async (options, context) => (await import('../commands/metrics.ts')).metrics(options, context),
  }),
  command({
    usage: 'cache clear',
    summary: 'drop every token in memory, and forget what was refused',
    options: {},
    run: async (options, context) => (await import('../commands/cache.ts')).clearCache(options, context),
  }),
  command({
    usage: 'config path',
    summary: 'print where the configuration is',
    options: {},
    run: async (options, context) => (await import('../commands/config.ts')).showPath(options, context),
  }),
  command({
    usage: 'config check',
    summary: 'tell everything that is wrong with it, and where',
    options: {json},
    run: async (options, context) => (await import('../commands/config.ts')).check(options, context),
  }),
  command({
    usage: 'config show',
    summary: 'print what is in force, without secrets',
    options: {json},
    run: async (options, context) => (await import('../commands/config.ts')).show(options, context),
  }),
  command({
    usage: 'config edit',
    summary: 'edit it with $EDITOR; only a sound one is kept',
    options: {},
    run: async (options, context) => (await import('../commands/config.ts')).edit(options, context),
  }),
  command({
    usage: 'config schema',
    summary: 'print its JSON Schema, for editors',
    options: {},
    run: async (options, context) => (await import('../commands/config.ts')).schema(options, context),
  }),
  command({
    usage: 'config init',
    summary: 'write a first configuration, and nothing else',
    options: starter,
    run: async (options, context) => (await import('../commands/config.ts')).init(options, context),
  }),
  command({
    usage: 'service install',
    summary: 'let the machine start the daemon from now on',
    options: {service, system},
    run: async (options, context) => (await import('../commands/service.ts')).install(options, context),
  }),
  command({
    usage: 'service uninstall',
    summary: 'stop it, and let the machine forget it',
    options: {service, system},
    run: async (options, context) => (await import('../commands/service.ts')).uninstall(options, context),
  }),
  command({
    usage: 'service start',
    summary: 'start the daemon',
    options: {service, system},
    run: async (options, context) =>
      (await import('../commands/service.ts')).order('start', options, context),
  }),
  command({
    usage: 'service stop',
    summary: 'stop it, after what is under way',
    options: {service, system},
    run: async (options, context) => (await import('../commands/service.ts')).order('stop', options, context),
  }),
  command({
    usage: 'service restart',
    summary: 'stop and start it',
    options: {service, system},
    run: async (options, context) =>
      (await import('../commands/service.ts')).order('restart', options, context),
  }),
  command({
    usage: 'service status',
    summary: 'show whether the machine keeps it running',
    options: {service, system, json},
    run: async (options, context) => (await import('../commands/service.ts')).showStatus(options, context),
  }),
  command({
    usage: 'completion [shell]',
    summary: 'print the completion of commands and organizations for a shell',
    example: 'source <(orgkey completion bash)',
    options: {shell: {...optional('bash, zsh or fish'), choices: ['bash', 'zsh', 'fish']}},
    run: async (options, context) => (await import('../commands/completion.ts')).completion(options, context),
  }),
  command({
    usage: 'uninstall',
    summary: 'take back what setup did',
    options: {
      system,
      purge: flag('the configuration and everything remembered as well'),
      'dry-run': flag('change nothing, show what would be done'),
    },
    run: async (options, context) => (await import('../commands/uninstall.ts')).uninstall(options, context),
  }),
];
