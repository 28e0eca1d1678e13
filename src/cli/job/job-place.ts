import {lstat, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {parseRecord} from '../../text/record.ts';
import {printable} from '../../text/printable.ts';
import {type CommandError, usageError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {absolute} from '../locate.ts';

/** The directories in which the daemon of one job keeps everything: nothing of it is elsewhere. */
export interface JobPlace {
  /** Absolute. */
  readonly directory: string;
  /** The sockets: in the directory, unless that would make their paths too long. */
  readonly runtime: string;
  readonly state: string;
}

/** The variable with the directory: steps of the job set it, and get it. */
export const JOB_VARIABLE = 'ORGKEY_JOB_DIR';

/**
 * Makes the directory of a new job: the named one, or a new one where the platform keeps the temporary files of a job.
 * @throws {CommandError} if the job has a daemon already.
 */
export async function makeJobPlace(
  options: Places & {readonly directory?: string | undefined},
  context: Context,
): Promise<JobPlace> {
  for (const path of [options.directory, context.environment[JOB_VARIABLE]]) {
    const other = path && (await readJobPlace(absolute(path, context), context));
    if (other) throw startedAlready(other);
  }
  const directory = await makeDirectory(options.directory, context);
  const place = {
    directory,
    runtime: options['runtime-dir'] ?? (await runtimeFor(directory, context)),
    state: options['state-dir'] ?? join(directory, 'state'),
  };
  const {runtime, state} = place;
  await writeFile(recordIn(directory), `${JSON.stringify({schemaVersion: 1, runtime, state})}\n`, {
    mode: 0o600,
  });
  return place;
}

/** Returns the place of a job that was started. `undefined`: the directory has no record, or is not our own. */
export async function readJobPlace(
  directory: string,
  context: Pick<Context, 'uid'>,
): Promise<JobPlace | undefined> {
  if (!(await isOwn(directory, context))) return undefined;
  const text = await readFile(recordIn(directory), 'utf8').catch(() => undefined);
  const {runtime, state} = (text === undefined ? undefined : parseRecord(text)) ?? {};
  return typeof runtime === 'string' && typeof state === 'string' ? {directory, runtime, state} : undefined;
}

/** Removes everything that the job's daemon kept. */
export async function removeJobPlace({directory, runtime, state}: JobPlace): Promise<void> {
  for (const path of [runtime, state, directory]) await rm(path, {recursive: true, force: true});
}

/** Returns the context in which `setup` writes into the directory of the job only. */
export function inJob({directory, runtime, state}: JobPlace, context: Context): Context {
  return {
    ...context,
    home: context.home ?? directory,
    environment: {
      ...context.environment,
      ORGKEY_CONFIG: join(directory, 'config.yaml'),
      ORGKEY_RUNTIME_DIR: runtime,
      ORGKEY_STATE_DIR: state,
      GIT_CONFIG_GLOBAL: join(directory, 'gitconfig'),
      XDG_CONFIG_HOME: directory,
      XDG_DATA_HOME: join(directory, 'share'),
    },
  };
}

async function makeDirectory(named: string | undefined, context: Context): Promise<string> {
  const {environment} = context;
  const wanted = named ?? environment[JOB_VARIABLE];
  if (!wanted) {
    const base = environment['RUNNER_TEMP'] || environment['AGENT_TEMPDIRECTORY'] || context.temporary;
    return mkdtemp(join(base, 'orgkey-'));
  }
  const path = absolute(wanted, context);
  await mkdir(path, {recursive: true, mode: 0o700});
  if (await isOwn(path, context)) return path;
  throw usageError(
    `${printable(path)} is not a directory that only we can write to`,
    `name a new one: --directory ${join(context.temporary, 'orgkey-job')}`,
  );
}

/** Whether it is a directory that only we can write to: what a record in it names is removed later. */
async function isOwn(path: string, {uid}: Pick<Context, 'uid'>): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  return facts !== undefined && facts.isDirectory() && facts.uid === uid && (facts.mode & 0o022) === 0;
}

/** The path of a socket can have 107 bytes, 103 on macOS, and those of gateways and scoped sockets are the longest. */
async function runtimeFor(directory: string, {temporary}: Context): Promise<string> {
  const inside = join(directory, 'run');
  if (Buffer.byteLength(inside) + LONGEST_SOCKET <= MOST_BYTES) return inside;
  const short = Buffer.byteLength(temporary) + LONGEST_SOCKET + UNIQUE <= MOST_BYTES ? temporary : '/tmp';
  return mkdtemp(join(short, 'orgkey-'));
}

const LONGEST_SOCKET = `/gateways/${'x'.repeat(31)}/gateway.sock`.length;
const UNIQUE = '/orgkey-XXXXXX'.length;
const MOST_BYTES = 103;

function recordIn(directory: string): string {
  return join(directory, 'job.json');
}

function startedAlready({directory}: JobPlace): CommandError {
  return usageError(
    `this job has a daemon already, in ${printable(directory)}`,
    'name all organizations in one step, or end the first daemon: orgkey job stop',
  );
}
