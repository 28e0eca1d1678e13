import {existsSync, readFileSync, realpathSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {absoluteVariable} from '../places/absolute-variable.ts';
import {parseRecord} from '../text/record.ts';
import type {Client, ClientWorld} from './client.ts';
import {onPath, scriptPath} from './on-path.ts';

/** pnpm's helper gets no arguments: its name says which organization is meant. */
export const pnpm: Client = {
  name: 'pnpm',
  programs: ['pnpm'],
  want: (world) => {
    // pnpm 10 runs it in a shell, and pnpm 12 cuts it at spaces
    if (!/^[\p{L}\p{M}\p{N}/.:@%+=,_-]+$/u.test(world.links))
      return {files: [], links: [], left: [elsewhere(world)]};
    const links = world.organizations.map((organization) => ({
      organization,
      path: join(world.links, `orgkey-token-${organization}`),
      target: scriptPath('orgkey-token', world),
    }));
    return {
      files: [
        {
          path: fileOf(world),
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
    const paths = [...new Set([fileOf(world), npmFile(world)])];
    const found = await Promise.all(paths.map((path) => tokenIn(path)));
    return found.flat();
  },
};

function elsewhere(world: ClientWorld): string {
  const link = 'ln -s "$(command -v orgkey-token)" FOLDER/orgkey-token-ORGANIZATION';
  return `pnpm runs no program in ${world.links}: choose another folder, and name it in ${fileOf(world)}: ${link}`;
}

async function tokenIn(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const at = text.split('\n').findIndex((line) => TOKEN_OF_FEED.test(line));
  return at === -1 ? [] : [`${path}:${at + 1}, a token for a feed`];
}

const TOKEN_OF_FEED =
  /^\s*\/\/(?:pkgs\.dev\.azure\.com|[\w-]+\.pkgs\.visualstudio\.com)\/.*:(?:_authToken|_auth|_password)\s*=/i;

/** From pnpm 11 on it has a file of its own, and npm 11 warns of the line in `.npmrc`. */
function fileOf(world: ClientWorld): string {
  const major = majorOf(world);
  if (major === undefined || major < 11) return npmFile(world);
  const folder =
    absoluteVariable(world.environment, 'XDG_CONFIG_HOME') ??
    join(world.home, process.platform === 'darwin' ? 'Library/Preferences' : '.config');
  return join(folder, 'pnpm/auth.ini');
}

/** Returns the version of an installed pnpm by its package, without running it: Corepack's would fetch another one. */
function majorOf({environment}: ClientWorld): number | undefined {
  const program = onPath('pnpm', environment);
  if (program === undefined) return undefined;
  const folder = dirname(realpathSync(program));
  for (const place of [folder, dirname(folder)]) {
    const file = join(place, 'package.json');
    const found = existsSync(file) ? parseRecord(readFileSync(file, 'utf8')) : undefined;
    const {name, version} = found ?? {};
    if (typeof name === 'string' && /^(?:@pnpm\/.*|pnpm)$/.test(name) && typeof version === 'string')
      return Number.parseInt(version, 10);
  }
  return undefined;
}

function npmFile({environment, home}: ClientWorld): string {
  return (
    absoluteVariable(environment, 'npm_config_userconfig') ??
    absoluteVariable(environment, 'NPM_CONFIG_USERCONFIG') ??
    join(home, '.npmrc')
  );
}
