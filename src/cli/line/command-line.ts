import {defineCommand, optional, flag, type Command} from './command.ts';
import {configurationCommands} from './configuration-commands.ts';
import {daemonCommands} from './daemon-commands.ts';
import {everydayCommands} from './everyday-commands.ts';
import {gatewayCommands} from './gateway-commands.ts';
import {jobCommands} from './job-commands.ts';
import {keyCommands} from './key-commands.ts';
import {dryRun, system} from './shared-options.ts';
import {toolCommands} from './tool-commands.ts';

/** Every command there is, in the order in which people need them. */
export const commands: readonly Command[] = [
  ...everydayCommands,
  ...keyCommands,
  ...gatewayCommands,
  ...toolCommands,
  ...configurationCommands,
  ...daemonCommands,
  ...jobCommands,
  defineCommand({
    usage: 'completion [shell]',
    summary: 'print a completion script for the shell',
    options: {
      shell: {...optional('bash, zsh or fish; default: from $SHELL'), choices: ['bash', 'zsh', 'fish']},
    },
    examples: [
      {command: 'source <(orgkey completion bash)'},
      {command: 'orgkey completion fish > ~/.config/fish/completions/orgkey.fish'},
    ],
    run: async (options, context) => (await import('../commands/completion.ts')).completion(options, context),
  }),
  defineCommand({
    usage: 'uninstall',
    summary: 'undo setup',
    description:
      'It restores the git configuration, and stops and removes the background service. The configuration of orgkey is kept, except with --purge.',
    options: {
      system,
      purge: flag('also delete the configuration, secrets and keys of orgkey'),
      yes: flag('do not ask before --purge deletes secrets and keys'),
      'dry-run': dryRun,
    },
    examples: [{command: 'orgkey uninstall --dry-run', note: 'show the changes first'}],
    run: async (options, context) => (await import('../commands/uninstall.ts')).uninstall(options, context),
  }),
];

/** What the commands that share a first word are about: lower case, no full stop. */
export const groups: Readonly<Record<string, string>> = {
  org: 'list, add, remove and test organizations',
  'ssh-key': 'manage the SSH keys for submodules',
  gateway: 'list gateways and print the configuration of their clients',
  tools: 'make cargo, pip, NuGet and others ask orgkey',
  config: 'find, check, show, edit and restore the configuration',
  cache: "manage the daemon's memory",
  service: 'manage the background service',
  job: 'start and end the daemon of one job of a pipeline',
};
