import {createHmac} from 'node:crypto';
import {dirname} from 'node:path';
import type {Binding} from '../identity/bindings.ts';
import {lowerName} from '../organization/organization.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {buildBindings} from './build/build-bindings.ts';
import {buildSettings, readOrgkey} from './build/build-settings.ts';
import type {Configuration, Loaded, Problem, Settings} from './configuration.ts';
import {defaultSettings, NO_CONFIGURATION} from './default-settings.ts';
import {encodeKept, type KeptConfiguration} from './keep-configuration.ts';
import {PartsReader, type ReadFile} from './read-parts.ts';
import {absolutePaths, pathsIn} from '../places/paths.ts';
import {Problems} from './text/problems.ts';
import {LARGEST_SECRET, readProtectedFile, whyUnsafe, type FileRead} from '../files/read-protected-file.ts';
import {filesNamedIn, type NamingSurroundings} from './value/named-files.ts';
import {Resolver} from './value/resolve-value.ts';
import type {Surroundings} from './value/value-source.ts';
import {terraformIdentity} from './build/terraform-identity.ts';
import {
  hasTerraformEnvironment,
  TERRAFORM_VARIABLES,
  terraformFiles,
  terraformTarget,
} from './build/terraform-variables.ts';
import {Reader, type UnknownKeys} from './shape/kind.ts';
import {valueAt, type Parts, type Written} from './text/written.ts';
import type {Environment} from '../text/environment.ts';

export interface LoadOptions {
  /**
   * As `configurationFile` found it: one path or several, of which later ones override earlier ones. `undefined`: no
   * file, but the environment may name an identity.
   */
  readonly file: string | undefined;
  /** Used in place of what the first file contains, as if only we could write it. Default: what it contains. */
  readonly content?: Uint8Array;
  readonly environment: Environment;
  /** Files must belong to this user or to root. Default: our own uid. */
  readonly uid?: number;
  /** Relative paths in variables begin here; those in the file begin at the file. Absolute. Default: our own. */
  readonly workingDirectory?: string;
  /** The directory that `~/` in the file means. Default: `$HOME`. */
  readonly home?: string | undefined;
  /** The paths where a file was looked for, in order: files that would be used instead are watched, too. Default: nowhere. */
  readonly candidates?: readonly string[];
  /** The configuration in force. If its file is empty now, it is being written or was lost. Default: nothing. */
  readonly inForce?: Pick<Configuration, 'source' | 'isEmpty'>;
  /** Random bytes of this process, 32: identities and hashes are keyed with it. */
  readonly key: Uint8Array;
  /**
   * How to report a missing variable or systemd credential: `error` if we act on the configuration, `warning` if we
   * only inspect that of a daemon, which may have them. Default: `error`.
   */
  readonly absent?: 'error' | 'warning';
  /** How to report keys that do not exist. A daemon only warns, so that a file may be newer than it. Default: `error`. */
  readonly unknownKeys?: UnknownKeys;
}

/** Reads the configuration. Returns all of its problems at once; they do not contain secrets. */
export async function loadConfiguration(options: LoadOptions): Promise<Loaded> {
  const {file, candidates = []} = options;
  const complete = completed(options);
  const {workingDirectory} = complete;
  if (file === undefined) return watching(candidates, await loadEnvironment(complete));
  const before = candidates.slice(0, Math.max(0, candidates.indexOf(file)));
  return watching(
    before,
    await loadFiles(complete, absolutePaths(file, {directory: workingDirectory, home: complete.home})),
  );
}

function watching(others: readonly string[], loaded: Loaded): Loaded {
  if (loaded.kind === 'invalid') return {...loaded, files: [...others, ...loaded.files]};
  const {configuration} = loaded;
  return {...loaded, configuration: {...configuration, files: [...others, ...configuration.files]}};
}

type Complete = LoadOptions &
  Required<Pick<LoadOptions, 'uid' | 'workingDirectory'>> & {readonly home: string | undefined};

function completed(options: LoadOptions): Complete {
  const {
    uid = process.getuid?.() ?? 0,
    workingDirectory = process.cwd(),
    home = options.environment['HOME'],
  } = options;
  return {...options, uid, workingDirectory, home};
}

async function loadFiles(options: Complete, source: string): Promise<Loaded> {
  const {uid, home, environment, content, inForce, absent = 'error'} = options;
  const problems = new Problems();
  const surroundings = {environment, uid, home, absent, directoryOf: directoriesOf(problems)};
  const reader = new PartsReader({problems, surroundings, content});
  const read = await reader.read(pathsIn(source));
  const unread = (path: string, message: string, hint?: string): Loaded => {
    const problem = {place: path, message: `the configuration ${message}`, hint};
    return {kind: 'invalid', source, problems: [problem], files: reader.paths};
  };
  if (read.kind === 'failed') return unread(read.path, read.message, read.hint);
  const isEmpty = reader.files.every((file) => file.isEmpty);
  if (isEmpty && inForce?.source === source && !inForce.isEmpty) return unread(source, 'is empty');
  return loadParts(options, read.parts, {source, problems, reading: reader});
}

/** Loads what was kept of a configuration that was valid. Values are read again from files, variables and the like. */
export async function loadKept(options: LoadOptions, kept: KeptConfiguration): Promise<Loaded> {
  const {source, files, parts} = kept;
  const problems = new Problems();
  problems.addFiles(files);
  const reading = {files: [], paths: files.map(({path}) => path), variables: []};
  return loadParts(completed(options), parts, {source, problems, reading});
}

/** Relative paths begin in the directory of their file. */
function directoriesOf(problems: Problems): Surroundings['directoryOf'] {
  return (at) => dirname(problems.fileAt(at));
}

/** The files of a configuration, and its problems so far. */
interface Origin {
  readonly source: string;
  readonly problems: Problems;
  readonly reading: {
    readonly files: readonly ReadFile[];
    readonly paths: readonly string[];
    readonly variables: Iterable<string>;
  };
}

async function loadParts(
  options: Complete,
  parts: Parts,
  {source, problems, reading}: Origin,
): Promise<Loaded> {
  const {environment, uid, home, key, absent = 'error', unknownKeys} = options;
  const naming = {directoryOf: directoriesOf(problems), home, environment};
  const paths = [...new Set(namedFiles(parts, naming))];
  const files = await readSecrets(paths);
  const surroundings: Surroundings = {...naming, uid, files, absent};
  const resolver = new Resolver(surroundings, problems);
  const reader = new Reader(problems, resolver, unknownKeys);
  const values = readOrgkey(parts.orgkey, reader);
  const bindings = buildBindings(parts.azure, {reader, surroundings, entra: values.entra, key});
  const settings = buildSettings(values, reader);
  reportReadable(reading.files, uid, reader);
  warnOfUncovered(settings, bindings, parts, problems);
  const isEmpty = isNothing(parts, problems);

  const watched = [...reading.paths, ...paths];
  const hash = hashOf(key, [
    ...reading.files.map(({bytes}) => bytes),
    ...contentsOf(files),
    ...variablesOf(environment, new Set([...reading.variables, ...resolver.variables])),
  ]);
  for (const {bytes} of reading.files) bytes.fill(0);
  erase(files.values());
  if (problems.found) return {kind: 'invalid', source, problems: problems.errors(), files: watched};
  const configuration = {
    source,
    bindings,
    settings,
    warnings: problems.warnings(),
    problems: problems.errors(),
    files: watched,
    hash,
    isEmpty,
    kept: keptText({source, files: problems.files, parts}, bindings, reader),
  };
  return {kind: 'loaded', configuration};
}

function isNothing({azure, orgkey}: Parts, problems: Problems): boolean {
  const isEmpty = azure === undefined && orgkey === undefined;
  if (isEmpty && !problems.found)
    problems.warn(0, 'nothing is configured: there is neither integrations.azure nor orgkey');
  return isEmpty;
}

/** Without a file: the identity of Terraform's variables, for the organization that they name or for all. */
async function loadEnvironment(options: Complete): Promise<Loaded> {
  const {environment, uid, workingDirectory, key} = options;
  if (!hasTerraformEnvironment(environment)) return {kind: 'loaded', configuration: NO_CONFIGURATION};
  const paths = terraformFiles(environment, workingDirectory);
  const files = await readSecrets(paths);
  const surroundings = {directory: workingDirectory, environment, uid, files};
  const target = terraformTarget(environment);
  const found = terraformIdentity({surroundings, entra: defaultSettings().entra, key});
  const hash = hashOf(key, [...contentsOf(files), ...variablesOf(environment, TERRAFORM_VARIABLES)]);
  erase(files.values());
  const invalid = (...problems: readonly Pick<Problem, 'message' | 'hint'>[]): Loaded => ({
    kind: 'invalid',
    source: 'environment',
    problems: problems.map(({message, hint}) => ({place: 'environment', message, hint})),
    files: paths,
  });
  if (target.kind === 'failed' || found.kind === 'failed')
    return invalid(...[target, found].filter((part) => part.kind === 'failed'));

  const {identity} = found;
  const {host, organization} = target;
  if (host !== SERVICES_HOST && identity.kind !== 'pat')
    return invalid({
      message: 'AZDO_ORG_SERVICE_URL names a server, where only AZDO_PERSONAL_ACCESS_TOKEN is possible',
      hint: undefined,
    });
  const organizations = organization === undefined ? [] : [organization];
  const configuration: Configuration = {
    source: 'environment',
    bindings: [{identity, host, organizations, place: 'environment'}],
    settings: defaultSettings(),
    warnings: found.warnings.map((message) => ({place: 'environment', message, hint: undefined})),
    problems: [],
    kept: undefined,
    files: paths,
    hash,
    isEmpty: false,
  };
  return {kind: 'loaded', configuration};
}

/** `undefined`: something other than a secret is wrong, so that it is not the copy to return to. */
function keptText(
  kept: KeptConfiguration,
  bindings: readonly Binding[],
  {problems, resolver}: Reader,
): string | undefined {
  const lacking = bindings.filter(
    ({identity}) => identity.kind === 'unusable' && identity.failure.code === 'ERR_SECRET_UNREADABLE',
  );
  if (problems.errors().length > lacking.length) return undefined;
  return encodeKept(kept, ({kind, at}) =>
    kind === 'text' ? resolver.harmless.has(at) : !problems.isReportedAt(at),
  );
}

function namedFiles({azure, orgkey}: Parts, surroundings: NamingSurroundings): string[] {
  const {environment, directoryOf} = surroundings;
  const variables = environmentsIn(azure).flatMap(({at}) => terraformFiles(environment, directoryOf(at)));
  return [...filesNamedIn(azure, surroundings), ...filesNamedIn(orgkey, surroundings), ...variables];
}

function itemsOf(written: Written | undefined): readonly Written[] {
  return written?.kind === 'list' ? written.items : [];
}

function environmentsIn(azure: Parts['azure']): Written[] {
  const credentials = itemsOf(azure).flatMap((integration) => itemsOf(valueAt(integration, 'credentials')));
  return credentials.map((item) => valueAt(item, 'environment')).filter((found) => found !== undefined);
}

const AT_ONCE = 32;

async function readSecrets(paths: readonly string[]): Promise<Map<string, FileRead>> {
  const files = new Map<string, FileRead>();
  const waiting = [...paths];
  const work = Array.from({length: Math.min(AT_ONCE, waiting.length)}, async () => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop())
      files.set(path, await readProtectedFile(path, LARGEST_SECRET));
  });
  await Promise.all(work);
  return files;
}

/** Reports a secret in a file that others can read. Without a secret in it, others may read it. */
function reportReadable(files: readonly ReadFile[], uid: number, {resolver, problems}: Reader): void {
  for (const file of files) {
    const first = resolver.literals.find((at) => problems.fileAt(at) === file.path);
    const unsafe = first === undefined ? undefined : whyUnsafe(file, {uid, holdsSecret: true});
    if (first === undefined || unsafe === undefined) continue;
    const message = `the configuration ${unsafe.message}; here is one`;
    if (unsafe.severity === 'warning') problems.warn(first, message, unsafe.hint);
    else
      problems.error(
        first,
        message,
        `move the secret into a file, {$file: …}, or: ${unsafe.hint} ${shellWord(file.path)}`,
      );
  }
}

/** Warns of a socket for an organization without a credential: it answers nothing, probably by mistake. */
function warnOfUncovered(
  {sockets}: Settings,
  bindings: readonly Binding[],
  parts: Parts,
  problems: Problems,
): void {
  if (bindings.some(({organizations}) => organizations.length === 0)) return;
  const covered = new Set(bindings.flatMap(({organizations}) => organizations.map(lowerName)));
  const at = valueAt(parts.orgkey, 'sockets')?.at ?? 0;
  for (const {name, organizations} of sockets)
    if (organizations.some((organization) => !covered.has(organization)))
      problems.warn(at, `the socket ${name} names an organization that no credential is for`);
}

function contentsOf(files: ReadonlyMap<string, FileRead>): (string | Uint8Array)[] {
  return [...files]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([path, read]) => [path, read.kind === 'read' ? read.bytes : read.message]);
}

function variablesOf(environment: LoadOptions['environment'], names: Iterable<string>): string[] {
  return [...names].toSorted().flatMap((name) => [name, environment[name] ?? '\0']);
}

/** Hashes each part with its length, so that other parts with the same text have another hash. */
function hashOf(key: Uint8Array, parts: readonly (string | Uint8Array)[]): string {
  const hash = createHmac('sha256', key);
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`${bytes.length}\n`).update(bytes);
  }
  return hash.digest('base64url');
}

function erase(files: Iterable<FileRead>): void {
  for (const file of files) if (file.kind === 'read') file.bytes.fill(0);
}
