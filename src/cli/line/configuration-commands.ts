import {defineCommand, type Command} from './command.ts';
import {json, starter} from './shared-options.ts';

export const configurationCommands: readonly Command[] = [
  defineCommand({
    usage: 'config path',
    configuration: 'of the daemon',
    summary: 'print the path of the configuration',
    options: {},
    run: async (options, context) => (await import('../commands/config/path.ts')).showPath(options, context),
  }),
  defineCommand({
    usage: 'config check',
    configuration: 'of the daemon',
    summary: 'report every problem of the configuration, with its line and column',
    options: {json},
    run: async (options, context) => (await import('../commands/config/check.ts')).check(options, context),
  }),
  defineCommand({
    usage: 'config show',
    configuration: 'of the daemon',
    summary: 'print the configuration with all defaults, without secrets',
    options: {json},
    run: async (options, context) => (await import('../commands/config/show.ts')).show(options, context),
  }),
  defineCommand({
    usage: 'config edit',
    configuration: 'of the daemon',
    summary: 'edit the configuration with $EDITOR; it is saved only if valid',
    options: {},
    run: async (options, context) => (await import('../commands/config/edit.ts')).edit(options, context),
  }),
  defineCommand({
    usage: 'config schema',
    summary: 'print the JSON Schema of the configuration, for editors',
    options: {},
    examples: [{command: 'orgkey config schema > orgkey.schema.json'}],
    run: async (options, context) => (await import('../commands/config/schema.ts')).schema(options, context),
  }),
  defineCommand({
    usage: 'config restore',
    summary: 'write the last valid configuration again, after its file was deleted',
    description:
      'The daemon keeps it in the state directory, without comments and without secrets that were in the file itself. An existing file is never overwritten.',
    options: {},
    exitCodes: {5: 'secrets are missing in the restored file, or nothing was kept'},
    run: async (options, context) =>
      (await import('../commands/config/restore.ts')).restore(options, context),
  }),
  defineCommand({
    usage: 'config init',
    summary: 'write a first configuration, and nothing else',
    description: 'Without options it writes a file with examples, which are commented out.',
    options: starter,
    examples: [
      {command: 'orgkey config init'},
      {command: 'orgkey config init --organization contoso --azure-cli'},
    ],
    run: async (options, context) => (await import('../commands/config/init.ts')).init(options, context),
  }),
];
