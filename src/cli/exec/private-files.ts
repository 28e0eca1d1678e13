import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {readIfThere} from '../../files/replace-file.ts';
import {machineFiles} from '../../places/file-facts.ts';
import {sessionDirectory} from '../../places/paths.ts';
import type {Context} from '../context.ts';

/** Runs something with a directory that only we can enter, and removes it afterwards. */
export async function withPrivateDirectory<T>(
  context: Context,
  run: (directory: string) => Promise<T>,
): Promise<T> {
  // in memory, where there is a session
  const parent = sessionDirectory(context, machineFiles) ?? context.temporary;
  const directory = await mkdtemp(join(parent, 'orgkey-exec-'));
  try {
    return await run(directory);
  } finally {
    await rm(directory, {recursive: true, force: true});
  }
}

export async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, {mode: 0o600, flag: 'wx'});
}

/** Returns the user's own configuration of npm: where its variable says, or in their home. */
export async function readNpmConfiguration({environment, home}: Context): Promise<string> {
  const named = Object.entries(environment).findLast(
    ([name, value]) => isNpmUserConfig(name) && value !== undefined && value !== '',
  )?.[1];
  const path = named ?? (home === undefined ? undefined : join(home, '.npmrc'));
  return path === undefined ? '' : ((await readIfThere(path))?.toString('utf8') ?? '');
}

/** npm reads the names of its variables in any case. */
export function isNpmUserConfig(name: string): boolean {
  return name.toLowerCase() === 'npm_config_userconfig';
}

/** Returns the texts in which a project names its registries: here, and in the directories above. */
export async function readNpmProject(directory: string): Promise<readonly string[]> {
  const texts: string[] = [];
  let here = directory;
  for (;;) {
    for (const name of ['.npmrc', 'package.json'])
      texts.push((await readIfThere(join(here, name)).catch(() => undefined))?.toString('utf8') ?? '');
    if (dirname(here) === here) return texts;
    here = dirname(here);
  }
}
