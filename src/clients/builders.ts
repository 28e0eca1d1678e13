import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {absoluteVariable} from '../places/absolute-variable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import type {Client, ClientWorld} from './client.ts';
import {foldersOf, isSame, onPath, scriptPath} from './on-path.ts';
import {configurationOf} from './python.ts';

export const cargo: Client = {
  name: 'cargo',
  programs: ['cargo'],
  want: (world) => {
    const script = scriptPath('cargo-credential-orgkey', world);
    const isNamed = onPath('cargo-credential-orgkey', world.environment) === script;
    return {
      files: [
        {
          path: cargoFile(world),
          lines: [
            {
              section: '[registry]',
              isHeader: (line) => /^\s*\[\s*(["']?)registry\1\s*\]/.test(line),
              // Cargo asks the last one first
              line: `global-credential-providers = ["cargo:token", "${isNamed ? 'cargo-credential-orgkey' : script}"]`,
              isRival: (line) => /^\s*global-credential-providers\s*=/.test(line),
              isOtherForm: (line) => /^\s*(["']?)registry\1\s*[.=]/.test(line),
            },
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
          line: `common --credential_helper=${host}=${scriptPath('orgkey-bazel-helper', world)}`,
          isRival: (line) => line.includes(`--credential_helper=${host}=`),
        })),
      },
    ],
    links: [],
    left: [],
  }),
  rivals: async () => [],
};

export const go: Client = {
  name: 'go',
  programs: ['go'],
  want: (world) => ({
    files: [
      {
        path: goFile(world),
        lines: [
          {
            // Go's own default stays behind ours
            line: `GOAUTH=${scriptPath('orgkey-goauth', world)};netrc`,
            isRival: (line) => line.startsWith('GOAUTH='),
            join: (theirs) =>
              theirs === 'GOAUTH=off'
                ? undefined
                : `GOAUTH=${scriptPath('orgkey-goauth', world)};${theirs.slice('GOAUTH='.length)}`,
          },
          {
            line: 'GOPRIVATE=dev.azure.com',
            isRival: (line) => line.startsWith('GOPRIVATE='),
            join: (theirs) =>
              theirs.slice('GOPRIVATE='.length).split(',').includes('dev.azure.com')
                ? theirs
                : `${theirs},dev.azure.com`,
          },
        ],
      },
    ],
    links: [],
    left: [],
  }),
  rivals: async ({environment}) =>
    ['GOAUTH', 'GOPRIVATE'].filter((name) => environment[name]).map((name) => `the variable ${name}`),
};

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

/** pnpm's helper gets no arguments: its name says which organization is meant. */
export const pnpm: Client = {
  name: 'pnpm',
  programs: ['pnpm'],
  want: (world) => {
    const links = world.organizations.map((organization) => ({
      organization,
      path: join(world.links, `orgkey-token-${organization}`),
      target: scriptPath('orgkey-token', world),
    }));
    return {
      files: [
        {
          path: npmFile(world),
          lines: links.flatMap(({organization, path}) =>
            [`pkgs.dev.azure.com/${organization}`, `${organization.toLowerCase()}.pkgs.visualstudio.com`].map(
              (place) => ({
                line: `//${place}/:tokenHelper=${path}`,
                isRival: (line) => line.trimStart().toLowerCase().startsWith(`//${place}/:`.toLowerCase()),
              }),
            ),
          ),
        },
      ],
      links: links.map(({path, target}) => ({path, target})),
      // each has a line of its own
      left: links.length > 0 ? [] : ['configure an organization first: orgkey org add ORGANIZATION'],
    };
  },
  rivals: async (world) => {
    const path = npmFile(world);
    const text = await readFile(path, 'utf8').catch(() => '');
    const at = text.split('\n').findIndex((line) => TOKEN_OF_FEED.test(line));
    return at === -1 ? [] : [`${path}:${at + 1}, a token for a feed`];
  },
};

const TOKEN_OF_FEED =
  /^\s*\/\/(?:pkgs\.dev\.azure\.com|[\w-]+\.pkgs\.visualstudio\.com)\/.*:(?:_authToken|_auth|_password)\s*=/i;

function npmFile({environment, home}: ClientWorld): string {
  return (
    absoluteVariable(environment, 'npm_config_userconfig') ??
    absoluteVariable(environment, 'NPM_CONFIG_USERCONFIG') ??
    join(home, '.npmrc')
  );
}
