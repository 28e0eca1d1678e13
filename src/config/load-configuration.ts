import {createHmac} from 'node:crypto';
import {dirname, resolve} from 'node:path';
import type {Binding} from '../identity/bindings.ts';
import {lowerName} from '../organization/organization.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {buildBindings} from './build/build-bindings.ts';
import {buildEntraSettings, buildSettings} from './build/build-settings.ts';
import type {Configuration, Loaded, Problem, Settings} from './configuration.ts';
import {DEFAULT_SETTINGS, NO_CONFIGURATION} from './default-settings.ts';
import {parseConfiguration} from './text/parse-configuration.ts';
import {Problems} from './text/problems.ts';
import {
  LARGEST_CONFIGURATION,
  LARGEST_SECRET,
  objectionTo,
  readProtectedFile,
  type FileRead,
} from '../files/read-protected-file.ts';
import {filesNamedIn, Resolver, type NamingSurroundings, type Surroundings} from './value/resolve-value.ts';
import {
  hasTerraformEnvironment,
  TERRAFORM_VARIABLES,
  terraformFiles,
  terraformIdentity,
  terraformTarget,
} from './build/terraform-environment.ts';
import {validityOf} from './shape/validity.ts';
import {valueAt, type Parts} from './text/written.ts';

export interface LoadOptions {
  /** As `configurationFile` found it. `undefined`: there is none, and the environment may say who we are. */
  readonly file: string | undefined;
  /** Taken as if the file held it, ours alone: it is not there yet. Default: what it holds. */
  readonly content?: Uint8Array;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Files must belong to this user or to root. Default: our own uid. */
  readonly uid?: number;
  /** Relative paths in variables begin here; those in the file begin at the file. Absolute. Default: ours. */
  readonly workingDirectory?: string;
  /** Where `~/` in the file leads. Default: `$HOME`. */
  readonly home?: string | undefined;
  /** Where a file was looked for, in order: those that would be taken instead are watched, too. Default: nowhere. */
  readonly candidates?: readonly string[];
  /** A file that lost all of its text since is being written, or was lost: it is no other configuration. Default: none. */
  readonly inForce?: Pick<Configuration, 'source' | 'validity'>;
  /** Random bytes of this process, 32: identities and hashes are keyed with it. */
  readonly key: Uint8Array;
  /** The `validity` of configurations that were valid before: for these the schema is not loaded. Default: none. */
  readonly knownValid?: ReadonlySet<string>;
  /**
   * A variable that is not set, a credential that systemd did not pass: an error for whoever acts by the
   * configuration, a warning for whoever looks at that of a daemon, which may have them. Default: an error.
   */
  readonly absent?: 'error' | 'warning';
}

/** Reads the configuration. What is wrong with it is returned, all of it at once, and holds no secret. */
export async function loadConfiguration(options: LoadOptions): Promise<Loaded> {
  const {file, environment, candidates = []} = options;
  const {
    uid = process.getuid?.() ?? 0,
    workingDirectory = process.cwd(),
    home = environment['HOME'],
  } = options;
  const complete = {...options, uid, workingDirectory, home};
  if (file === undefined) return watching(candidates, await loadEnvironment(complete));
  const before = candidates.slice(0, Math.max(0, candidates.indexOf(file)));
  return watching(before, await loadFile(complete, resolve(workingDirectory, file)));
}

function watching(others: readonly string[], loaded: Loaded): Loaded {
  if (loaded.kind === 'invalid') return {...loaded, files: [...others, ...loaded.files]};
  const {configuration} = loaded;
  return {...loaded, configuration: {...configuration, files: [...others, ...configuration.files]}};
}

/** The options, defaults filled in. */
type Complete = LoadOptions &
  Required<Pick<LoadOptions, 'uid' | 'workingDirectory'>> & {readonly home: string | undefined};

async function loadFile(
  {environment, uid, home, key, knownValid, inForce, absent = 'error', content}: Complete,
  file: string,
): Promise<Loaded> {
  const read: FileRead =
    content === undefined
      ? await readProtectedFile(file, LARGEST_CONFIGURATION)
      : {kind: 'read', bytes: Buffer.from(content), owner: uid, mode: 0o600};
  if (read.kind === 'failed') return unread(file, `the configuration ${read.message}`, read.hint);
  const objection = objectionTo({path: file, ...read}, {uid, holdsSecret: false});
  if (objection !== undefined)
    return unread(
      file,
      `the configuration ${objection.message}`,
      objection.hint && `${objection.hint} ${shellWord(file)}`,
    );
  const text = decode(read.bytes);
  if (text === undefined) return unread(file, 'the configuration is not UTF-8');

  const problems = new Problems(file, text);
  const parts = await parseConfiguration(text, problems);
  const validity = validityOf(parts);
  if (text.trim() === '' && inForce?.source === file && inForce.validity !== validity)
    return unread(file, 'the configuration is empty');
  if (knownValid?.has(validity) !== true) {
    const {checkShape} = await import('./shape/check-shape.ts');
    checkShape(parts, problems);
  }

  const directory = dirname(file);
  const paths = [...new Set(namedFiles(parts, {directory, home, environment}))];
  const files = await readSecrets(paths);
  const surroundings: Surroundings = {directory, home, environment, uid, files, absent};
  const resolver = new Resolver(surroundings, problems);
  const entra = buildEntraSettings(parts.orgkey, {problems, resolver});
  const bindings = buildBindings(parts.azure, {problems, resolver, surroundings, entra, key});
  const settings = buildSettings(parts.orgkey, entra, {problems, resolver});
  tellReadable({path: file, ...read}, uid, resolver, problems);
  tellUncovered(settings, bindings, parts, problems);
  if (parts.azure === undefined && parts.orgkey === undefined && !problems.found)
    problems.warn(0, 'nothing is configured: there is neither integrations.azure nor orgkey');

  const watched = [file, ...paths];
  const hash = hashOf(key, [
    read.bytes,
    ...contentsOf(files),
    ...variablesOf(environment, resolver.variables),
  ]);
  erase([read, ...files.values()]);
  if (problems.found) return {kind: 'invalid', source: file, problems: problems.errors(), files: watched};
  const warnings = problems.warnings();
  return {
    kind: 'loaded',
    configuration: {source: file, bindings, settings, warnings, files: watched, hash, validity},
  };
}

/** Without a file: the identity of Terraform's variables, for the organization that they name or for all. */
async function loadEnvironment({environment, uid, home, workingDirectory, key}: Complete): Promise<Loaded> {
  if (!hasTerraformEnvironment(environment)) return {kind: 'loaded', configuration: NO_CONFIGURATION};
  const paths = terraformFiles(environment, workingDirectory);
  const files = await readSecrets(paths);
  const surroundings: Surroundings = {
    directory: workingDirectory,
    home,
    environment,
    uid,
    files,
    absent: 'error',
  };
  const target = terraformTarget(environment);
  const found = terraformIdentity({surroundings, entra: DEFAULT_SETTINGS.entra, key});
  const hash = hashOf(key, [...contentsOf(files), ...variablesOf(environment, TERRAFORM_VARIABLES)]);
  erase(files.values());
  const problems: Problem[] = [target, found].flatMap((part) =>
    part.kind === 'failed' ? [{place: 'environment', message: part.message, hint: part.hint}] : [],
  );
  if (target.kind === 'failed' || found.kind === 'failed')
    return {kind: 'invalid', source: 'environment', problems, files: paths};

  const {identity} = found;
  const {host, organization} = target;
  if (host !== 'dev.azure.com' && identity.kind !== 'pat') {
    const message =
      'AZDO_ORG_SERVICE_URL names a server, and only AZDO_PERSONAL_ACCESS_TOKEN is possible there';
    const problem: Problem = {place: 'environment', message, hint: undefined};
    return {kind: 'invalid', source: 'environment', problems: [problem], files: paths};
  }
  const organizations = organization === undefined ? [] : [organization];
  const configuration: Configuration = {
    source: 'environment',
    bindings: [{identity, host, organizations, place: 'environment'}],
    settings: DEFAULT_SETTINGS,
    warnings: found.warnings.map((message) => ({place: 'environment', message, hint: undefined})),
    files: paths,
    hash,
    validity: undefined,
  };
  return {kind: 'loaded', configuration};
}

function unread(file: string, message: string, hint?: string): Loaded {
  return {kind: 'invalid', source: file, problems: [{place: file, message, hint}], files: [file]};
}

/** `undefined` where the bytes are not UTF-8. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    return undefined;
  }
}

function namedFiles({azure, orgkey}: Parts, surroundings: NamingSurroundings): string[] {
  const named = [...filesNamedIn(azure, surroundings), ...filesNamedIn(orgkey, surroundings)];
  return usesEnvironment(azure)
    ? [...named, ...terraformFiles(surroundings.environment, surroundings.directory)]
    : named;
}

function usesEnvironment(azure: Parts['azure']): boolean {
  if (azure?.kind !== 'list') return false;
  return azure.items.some((integration) => {
    const credentials = valueAt(integration, 'credentials');
    return (
      credentials?.kind === 'list' &&
      credentials.items.some((item) => valueAt(item, 'environment') !== undefined)
    );
  });
}

/** How many files are open at once. */
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

/** A configuration that others can read is fine as long as no secret stands in it. */
function tellReadable(
  file: {readonly path: string; readonly owner: number; readonly mode: number},
  uid: number,
  resolver: Resolver,
  problems: Problems,
): void {
  const [first] = resolver.literals;
  if (first === undefined) return;
  const objection = objectionTo(file, {uid, holdsSecret: true});
  if (objection === undefined) return;
  const message = `the configuration ${objection.message}; here is one`;
  if (objection.severity === 'warning') return problems.warn(first, message, objection.hint);
  problems.error(
    first,
    message,
    `move the secret into a file, {$file: …}, or: ${objection.hint} ${shellWord(file.path)}`,
  );
}

/** A socket that serves an organization that nobody acts for answers nothing: probably a slip. */
function tellUncovered(
  {sockets}: Settings,
  bindings: readonly Binding[],
  parts: Parts,
  problems: Problems,
): void {
  if (bindings.some(({organizations}) => organizations.length === 0)) return;
  const covered = new Set(bindings.flatMap(({organizations}) => organizations.map(lowerName)));
  const missing = sockets.flatMap(({name, organizations}) =>
    organizations.some((organization) => !covered.has(organization)) ? [name] : [],
  );
  const at = valueAt(parts.orgkey, 'sockets')?.at ?? 0;
  for (const name of missing)
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

/** Each part with its length, or two parts could be cut in another place and still be the same. */
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
