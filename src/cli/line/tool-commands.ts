import {defineCommand, type Command} from './command.ts';
import {dryRun, json} from './shared-options.ts';

const tools = {
  type: 'string',
  array: true,
  describe: 'cargo, pip, uv, pnpm, nuget, bazel, go; default: those that are installed',
} as const;

export const toolCommands: readonly Command[] = [
  defineCommand({
    usage: 'tools list',
    configuration: 'of the daemon',
    summary: 'show which tools ask orgkey, and what else would win',
    options: {json},
    run: async (options, context) => (await import('../commands/tools/list.ts')).listTools(options, context),
  }),
  defineCommand({
    usage: 'tools install [tool..]',
    configuration: 'of the daemon',
    summary: "make tools ask orgkey: add the lines to the user's configuration of each",
    description:
      'Everything else in the files stays as it is. Your own setting for the same purpose is named and stays.',
    options: {tool: tools, 'dry-run': dryRun},
    examples: [
      {command: 'orgkey tools install --dry-run', note: 'show the changes first'},
      {command: 'orgkey tools install cargo pip'},
    ],
    exitCodes: {1: 'your own setting stays, so that tool does not ask orgkey'},
    run: async (options, context) =>
      (await import('../commands/tools/install.ts')).installTools(options, context),
  }),
  defineCommand({
    usage: 'tools remove [tool..]',
    summary: 'take back what orgkey wrote into the configuration of tools',
    options: {
      tool: {...tools, describe: 'cargo, pip, uv, pnpm, nuget, bazel, go; default: all of them'},
      'dry-run': dryRun,
    },
    examples: [{command: 'orgkey tools remove cargo'}],
    run: async (options, context) =>
      (await import('../commands/tools/remove.ts')).removeTools(options, context),
  }),
];
