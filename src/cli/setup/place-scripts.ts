import {copyFile, chmod, lstat, mkdir, readFile, readlink, rename, rm, symlink} from 'node:fs/promises';
import {basename, dirname, join, sep} from 'node:path';
import {absoluteVariable} from '../../places/absolute-variable.ts';
import type {Context, Program} from '../context.ts';
import {homeOf} from '../locate.ts';

/** The scripts that git runs. Paths are absolute. */
type Scripts = Pick<Program, 'helper' | 'sshWrapper'>;

/**
 * Returns the paths that git runs. npm removes a package before it installs the next version, and a git that asks in
 * between would find no helper. Therefore a program that npm installed gets copies, in a directory of the user that
 * the service cannot write to. Other installers replace each file in one step.
 */
export function scriptsForGit(
  {system}: {readonly system?: boolean},
  {program, environment, home}: Pick<Context, 'program' | 'environment' | 'home'>,
): Scripts {
  if (system === true || !program.main.split(sep).includes('node_modules')) return program;
  const directory = scriptDirectory({environment, home});
  return {
    helper: join(directory, basename(program.helper)),
    sshWrapper: join(directory, basename(program.sshWrapper)),
  };
}

/** A file for git that is missing or has another version. */
export interface Placing {
  readonly path: string;
  /** Writes the file in one step, because git may run it at any moment. */
  readonly place: () => Promise<void>;
}

/** Returns the files that git needs and that are not up to date, in the order in which they are needed. */
export async function scriptsToPlace(
  options: {readonly system?: boolean},
  context: Pick<Context, 'program' | 'environment' | 'home'>,
): Promise<readonly Placing[]> {
  const {program} = context;
  const scripts = scriptsForGit(options, context);
  if (scripts.helper === program.helper) return [];
  const placings: Placing[] = [];
  for (const name of ['helper', 'sshWrapper'] as const) {
    if (await isSame(program[name], scripts[name])) continue;
    const make = async (fresh: string) => {
      await copyFile(program[name], fresh);
      await chmod(fresh, 0o755);
    };
    placings.push({path: scripts[name], place: () => replace(scripts[name], make)});
  }
  // the scripts run this command to start the service
  const command = join(dirname(scripts.helper), 'orgkey');
  const target = join(dirname(program.main), 'orgkey.cjs');
  if ((await readlink(command).catch(() => undefined)) !== target)
    placings.push({path: command, place: () => replace(command, (fresh) => symlink(target, fresh))});
  return placings;
}

/** Returns the directory with our copies. `undefined`: it does not exist. */
export async function placedScripts(
  context: Pick<Context, 'environment' | 'home'>,
): Promise<string | undefined> {
  const directory = scriptDirectory(context);
  return (await lstat(directory).catch(() => undefined)) === undefined ? undefined : directory;
}

async function replace(path: string, make: (fresh: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), {recursive: true, mode: 0o700});
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, {force: true});
  await make(fresh);
  await rename(fresh, path);
}

async function isSame(original: string, copy: string): Promise<boolean> {
  const [wanted, found] = await Promise.all([readFile(original), readFile(copy).catch(() => undefined)]);
  return found !== undefined && wanted.equals(found);
}

function scriptDirectory(context: Pick<Context, 'environment' | 'home'>): string {
  const base =
    absoluteVariable(context.environment, 'XDG_DATA_HOME') ?? join(homeOf(context), '.local/share');
  return join(base, 'orgkey/bin');
}
