import {copyFile, chmod, lstat, mkdir, readFile, readlink, rename, rm, symlink} from 'node:fs/promises';
import {basename, dirname, join, sep} from 'node:path';
import {absoluteVariable} from '../../places/absolute-variable.ts';
import type {Context, Program} from '../context.ts';
import {homeOf} from '../locate.ts';

/** The scripts that git runs. Absolute. */
type Scripts = Pick<Program, 'helper' | 'sshWrapper'>;

/**
 * Where git finds our scripts. npm takes a package away before it brings the next version, and a git that asks in
 * between would find no helper: so for a program that npm installed they are copies, in a directory of the person's
 * that the service cannot write to. Other installers replace one file by the other.
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

/** A file for git that is missing or of another version. */
export interface Placing {
  readonly path: string;
  /** In one step: a git may ask at any moment. */
  readonly place: () => Promise<void>;
}

/** What git runs and is not there yet, in the order in which it is needed. */
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
  // how a script finds the command that starts the service
  const command = join(dirname(scripts.helper), 'orgkey');
  const target = join(dirname(program.main), 'orgkey.cjs');
  if ((await readlink(command).catch(() => undefined)) !== target)
    placings.push({path: command, place: () => replace(command, (fresh) => symlink(target, fresh))});
  return placings;
}

/** The directory with copies of ours; `undefined`: there is none. */
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

/** Whether a copy is up to date. */
async function isSame(original: string, copy: string): Promise<boolean> {
  const [wanted, found] = await Promise.all([readFile(original), readFile(copy).catch(() => undefined)]);
  return found !== undefined && wanted.equals(found);
}

function scriptDirectory(context: Pick<Context, 'environment' | 'home'>): string {
  const base =
    absoluteVariable(context.environment, 'XDG_DATA_HOME') ?? join(homeOf(context), '.local/share');
  return join(base, 'orgkey/bin');
}
