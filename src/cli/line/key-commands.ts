import {defineCommand, flag, required, text, type Command} from './command.ts';
import {json, keyOwner} from './shared-options.ts';

export const keyCommands: readonly Command[] = [
  defineCommand({
    usage: 'ssh-key add <organization>',
    configuration: 'of the daemon',
    summary: "use an existing SSH key for an organization's submodules",
    description: 'Without --file it asks for the key on the terminal. The key must have no passphrase.',
    options: {
      organization: keyOwner,
      file: text('the private key; - for stdin', 'FILE'),
      force: flag('accept the key even if it is your personal key'),
    },
    examples: [{command: 'orgkey ssh-key add contoso --file submodules_rsa'}],
    run: async (options, context) => (await import('../commands/ssh-key/add.ts')).add(options, context),
  }),
  defineCommand({
    usage: 'ssh-key new <organization>',
    configuration: 'of the daemon',
    summary: 'create an SSH key, and say where to paste its public half',
    options: {organization: keyOwner},
    examples: [{command: 'orgkey ssh-key new contoso'}],
    run: async (options, context) => (await import('../commands/ssh-key/new.ts')).create(options, context),
  }),
  defineCommand({
    usage: 'ssh-key show-public <organization>',
    configuration: 'of the daemon',
    summary: 'print the public half of the key',
    options: {organization: keyOwner},
    examples: [{command: 'orgkey ssh-key show-public contoso'}],
    run: async (options, context) =>
      (await import('../commands/ssh-key/show-public.ts')).showPublic(options, context),
  }),
  defineCommand({
    usage: 'ssh-key list',
    configuration: 'of the daemon',
    summary: 'list the keys with their fingerprints and ages',
    options: {json},
    run: async (options, context) => (await import('../commands/ssh-key/list.ts')).list(options, context),
  }),
  defineCommand({
    usage: 'ssh-key remove <organization>',
    configuration: 'of the daemon',
    summary: "delete an organization's key",
    options: {organization: keyOwner},
    examples: [{command: 'orgkey ssh-key remove contoso'}],
    run: async (options, context) => (await import('../commands/ssh-key/remove.ts')).remove(options, context),
  }),
  defineCommand({
    usage: 'ssh-key trust <host>',
    configuration: 'of the daemon',
    summary: 'pin the host keys of your own server',
    description: 'Compare each fingerprint with what the administrator of the host tells you.',
    options: {
      host: required('HOST, or HOST:PORT'),
      fingerprint: {
        ...text('pin the key with this fingerprint without asking (repeatable)', 'SHA256:…'),
        array: true,
      },
    },
    examples: [{command: 'orgkey ssh-key trust tfs.example.com:22'}],
    run: async (options, context) => (await import('../commands/ssh-key/trust.ts')).trust(options, context),
  }),
];
