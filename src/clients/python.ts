import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {absoluteVariable} from '../places/absolute-variable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import type {Client, ClientWorld} from './client.ts';
import {isSame, onPath} from './on-path.ts';

/** pip asks a program `keyring`, if an index names a user. */
export const pip: Client = {
  name: 'pip',
  programs: ['pip', 'pip3'],
  want: (world) => ({
    files: [
      {
        path: join(configurationOf(world), 'pip/pip.conf'),
        lines: [
          {
            section: '[global]',
            line: 'keyring-provider = subprocess',
            isRival: (line) => /^\s*keyring-provider\s*[=:]/.test(line),
          },
        ],
      },
    ],
    links: [],
    left: leftFor(world),
  }),
  rivals: async (world) => [
    ...namedVariable(world, 'PIP_KEYRING_PROVIDER', 'subprocess'),
    ...(await netrcOf(world)),
  ],
};

export const uv: Client = {
  name: 'uv',
  programs: ['uv'],
  want: (world) => ({
    files: [
      {
        path: join(configurationOf(world), 'uv/uv.toml'),
        lines: [
          {line: 'keyring-provider = "subprocess"', isRival: (line) => /^\s*keyring-provider\s*=/.test(line)},
        ],
      },
    ],
    links: [],
    left: leftFor(world),
  }),
  rivals: async (world) => [
    ...namedVariable(world, 'UV_KEYRING_PROVIDER', 'subprocess'),
    ...(await netrcOf(world)),
  ],
};

/** Our `keyring` is in a folder of its own, because it would take the place of Python's. */
function leftFor(world: ClientWorld): string[] {
  const folder = join(world.scripts, 'keyring');
  const found = onPath('keyring', world.environment);
  if (found !== undefined && isSame(found, join(folder, 'keyring'))) return [];
  return [`put our keyring first on the PATH: export PATH=${shellWord(folder)}:"$PATH"`];
}

function namedVariable({environment}: ClientWorld, name: string, ours: string): string[] {
  const value = environment[name];
  return value === undefined || value === '' || value === ours ? [] : [`the variable ${name}`];
}

/** Both tools take a login from there before they ask. */
async function netrcOf({environment, home}: ClientWorld): Promise<string[]> {
  const path = environment['NETRC'] || join(home, '.netrc');
  const text = await readFile(path, 'utf8').catch(() => '');
  return /^\s*machine\s+\S*(?:pkgs\.dev\.azure\.com|\.visualstudio\.com)\s/m.test(text) ? [path] : [];
}

export function configurationOf({environment, home}: ClientWorld): string {
  return absoluteVariable(environment, 'XDG_CONFIG_HOME') ?? join(home, '.config');
}
