import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {absoluteVariable} from '../places/absolute-variable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import type {Client, ClientWorld} from './client.ts';
import {foldersOf, isSame, onPath, scriptPath} from './on-path.ts';
import {configurationOf} from './python.ts';
import type {WantedLine} from './text-edit.ts';

export const cargo: Client = {
  name: 'cargo',
  programs: ['cargo'],
  want: (world) => {
    const script = scriptPath('cargo-credential-orgkey', world);
    const isNamed = onPath('cargo-credential-orgkey', world.environment) === script;
    // Cargo splits a provider at spaces, but not the list behind an alias
    const isAlias = !isNamed && /\s/.test(script);
    const provider = isNamed ? 'cargo-credential-orgkey' : isAlias ? 'orgkey' : script;
    return {
      files: [
        {
          path: cargoFile(world),
          lines: [
            {
              section: '[registry]',
              isHeader: (line) => /^\s*\[\s*(["']?)registry\1\s*\]/.test(line),
              // Cargo asks the last one first
              line: `global-credential-providers = ["cargo:token", ${JSON.stringify(provider)}]`,
              isRival: (line) => /^\s*global-credential-providers\s*=/.test(line),
              isOtherForm: (line) => /^\s*(["']?)registry\1\s*[.=]/.test(line),
            },
            ...(isAlias ? [cargoAlias(script)] : []),
          ],
        },
      ],
      links: [],
      left: [],
    };
  },
  rivals: async ({environment}) =>
    environment['CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS'] === undefined
      ? []
      : ['the variable CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS'],
};

function cargoAlias(script: string): WantedLine {
  return {
    section: '[credential-alias]',
    isHeader: (line) => /^\s*\[\s*(["']?)credential-alias\1\s*\]/.test(line),
    line: `orgkey = [${JSON.stringify(script)}]`,
    isRival: (line) => /^\s*(["']?)orgkey\1\s*=/.test(line),
    isOtherForm: (line) => /^\s*(["']?)credential-alias\1\s*[.=]/.test(line),
  };
}

/** The older name wins where both exist. */
function cargoFile({environment, home}: ClientWorld): string {
  const folder = absoluteVariable(environment, 'CARGO_HOME') ?? join(home, '.cargo');
  const old = join(folder, 'config');
  return existsSync(old) ? old : join(folder, 'config.toml');
}

/** It calls a helper that it does not like once for each address, so ours is limited to the hosts of Azure DevOps. */
export const bazel: Client = {
  name: 'bazel',
  programs: ['bazel', 'bazelisk'],
  want: (world) => ({
    files: [
      {
        path: join(world.home, '.bazelrc'),
        lines: ['dev.azure.com', '*.dev.azure.com', '*.visualstudio.com'].map((host) => ({
          line: `common --credential_helper=${host}=${bazelWord(scriptPath('orgkey-bazel-helper', world))}`,
          isRival: (line) => line.includes(`--credential_helper=${host}=`),
        })),
      },
    ],
    links: [],
    left: [],
  }),
  rivals: async () => [],
};

/** Quotes a part of a line of .bazelrc, where it needs it. */
function bazelWord(text: string): string {
  return /[\s#"'\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : text;
}

export const go: Client = {
  name: 'go',
  programs: ['go'],
  want: (world) => {
    const script = scriptPath('orgkey-goauth', world);
    const command = goWord(script);
    return command === undefined
      ? {
          files: [],
          links: [],
          left: [`link the helper into a folder that Go can name: ln -s ${shellWord(script)} FOLDER`],
        }
      : {files: [{path: goFile(world), lines: goLines(command)}], links: [], left: []};
  },
  rivals: async ({environment}) =>
    ['GOAUTH', 'GOPRIVATE'].filter((name) => environment[name]).map((name) => `the variable ${name}`),
};

function goLines(command: string): readonly WantedLine[] {
  return [
    {
      // Go's own default stays behind ours
      line: `GOAUTH=${command};netrc`,
      isRival: (line) => line.startsWith('GOAUTH='),
      join: (theirs) =>
        theirs === 'GOAUTH=off' ? undefined : `GOAUTH=${command};${theirs.slice('GOAUTH='.length)}`,
    },
    {
      line: 'GOPRIVATE=dev.azure.com',
      isRival: (line) => line.startsWith('GOPRIVATE='),
      join: (theirs) =>
        theirs.slice('GOPRIVATE='.length).split(',').includes('dev.azure.com')
          ? theirs
          : `${theirs},dev.azure.com`,
    },
  ];
}

/** Quotes a path for GOAUTH, which has two kinds of quotes and no escapes. `undefined`: it cannot be named there. */
function goWord(path: string): string | undefined {
  if (path.includes(';')) return undefined;
  if (!/[\s'"]/.test(path)) return path;
  const quote = [`'`, '"'].find((one) => !path.includes(one));
  return quote === undefined ? undefined : `${quote}${path}${quote}`;
}

function goFile(world: ClientWorld): string {
  return absoluteVariable(world.environment, 'GOENV') ?? join(configurationOf(world), 'go/env');
}

/** Found by its name in the folders of the PATH. */
export const nuget: Client = {
  name: 'nuget',
  programs: ['dotnet', 'nuget', 'msbuild'],
  want: (world) => {
    const name = 'nuget-plugin-orgkey';
    const target = join(world.scripts, name);
    const found = onPath(name, world.environment);
    if (found !== undefined && isSame(found, target)) return {files: [], links: [], left: []};
    const folder = join(world.home, '.local/bin');
    const isOnPath = foldersOf(world.environment).includes(folder);
    return {
      files: [],
      links: [{path: join(folder, name), target}],
      left: isOnPath ? [] : [`put the plugin on the PATH: export PATH="$PATH":${shellWord(folder)}`],
    };
  },
  rivals: async ({environment}) =>
    ['NUGET_PLUGIN_PATHS', 'NUGET_NETCORE_PLUGIN_PATHS']
      .filter((name) => environment[name])
      .map((name) => `the variable ${name}: NuGet then looks for plugins only there`),
};
