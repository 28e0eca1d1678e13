import {defineCommand, flag, required, type Command} from './command.ts';
import {json} from './shared-options.ts';

/** The gateways, which carry git's requests for clients that hold no credential. */
export const gatewayCommands: readonly Command[] = [
  defineCommand({
    usage: 'gateway list',
    summary: 'list the gateways of the daemon, with their rules',
    options: {json},
    run: async (options, context) =>
      (await import('../commands/gateway/list.ts')).listGateways(options, context),
  }),
  defineCommand({
    usage: 'gateway config <name>',
    summary: "print the lines of git's configuration that lead a client to a gateway",
    description:
      'The lines cover HTTPS and SSH addresses, and submodules. A container that mounts the directory of the gateway needs those with --container, which are also in the file gitconfig there.',
    options: {
      name: required('its name'),
      container: flag('for a container that mounts the directory as /run/orgkey'),
      tcp: flag('for clients that know no SOCKS proxy on a socket: older git, Git LFS'),
    },
    examples: [
      {command: 'orgkey gateway config agents > ~/.config/orgkey/agents.gitconfig'},
      {command: 'orgkey gateway config agents --tcp'},
    ],
    run: async (options, context) =>
      (await import('../commands/gateway/config.ts')).showClientConfiguration(options, context),
  }),
];
