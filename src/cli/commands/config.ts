import {spawn} from 'node:child_process';
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import type {AgentKeySource, Configuration} from '../../config/configuration.ts';
import {NO_CONFIGURATION} from '../../config/default-settings.ts';
import {freshConfiguration} from '../../config/edit/init-configuration.ts';
import {SCHEMA_VERSION} from '../../control/control-protocol.ts';
import type {Binding} from '../../identity/bindings.ts';
import type {SecretSource} from '../../identity/identity.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {replaceFile} from '../../files/replace-file.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {absolute, configurationDirectory, configurationFile} from '../locate.ts';
import {
  loadFor,
  problemsOfDaemon,
  readConfiguration,
  requireTaken,
  tellProblem,
} from '../read-configuration.ts';
import {
  describesConfiguration,
  starterConfiguration,
  withAbsolutePaths,
  type StarterOptions,
} from '../setup/starter-configuration.ts';

type Json = {readonly json: boolean};

/** `orgkey config path` */
export async function showPath(options: Places, context: Context): Promise<ExitCode> {
  context.terminal.print(fileInUse(options, context));
  return EXIT.ok;
}

/** `orgkey config check` */
export async function check(options: Places & Json, context: Context): Promise<ExitCode> {
  const loaded = await loadFor(options, context);
  if (loaded.kind === 'loaded' && loaded.configuration.source === NO_CONFIGURATION.source)
    throw noConfiguration();
  const warnings = loaded.kind === 'loaded' ? loaded.configuration.warnings : [];
  const source = loaded.kind === 'loaded' ? loaded.configuration.source : loaded.source;
  const problems =
    loaded.kind === 'invalid' ? loaded.problems : await problemsOfDaemon(source, options, context);
  if (options.json) {
    context.terminal.printJson({
      schemaVersion: SCHEMA_VERSION,
      source,
      valid: problems.length === 0,
      problems,
      warnings,
    });
  } else {
    for (const problem of problems) tellProblem('error', problem, context);
    for (const warning of warnings) tellProblem('warning', warning, context);
    if (loaded.kind === 'loaded' && problems.length === 0)
      context.terminal.print(`${source}: ${summaryOf(loaded.configuration)}`);
  }
  return problems.length === 0 ? EXIT.ok : EXIT.badConfiguration;
}

/** `orgkey config show`: what is in force, every default filled in, every secret left out. */
export async function show(options: Places & Json, context: Context): Promise<ExitCode> {
  const {source, bindings, settings} = await readConfiguration(options, context);
  const shown = {
    source,
    credentials: bindings.map(showBinding),
    orgkey: {
      ...settings,
      submodules: settings.submodules.map(({privateKey, ...rule}) => ({
        ...rule,
        privateKey: showSecret(privateKey),
      })),
    },
  };
  const {terminal} = context;
  if (options.json) terminal.printJson({schemaVersion: SCHEMA_VERSION, ...shown});
  else terminal.print(layValue(shown).join('\n'));
  return EXIT.ok;
}

/** `orgkey config schema` */
export async function schema(_options: Places, context: Context): Promise<ExitCode> {
  const {jsonSchema} = await import('../../config/shape/json-schema.ts');
  context.terminal.printJson(jsonSchema());
  return EXIT.ok;
}

/** `orgkey config init`: never over a configuration that is there. */
export async function init(options: Places & StarterOptions, context: Context): Promise<ExitCode> {
  const {config} = options;
  const path =
    config === undefined ? join(configurationDirectory(context), 'config.yaml') : absolute(config, context);
  const text = describesConfiguration(options)
    ? await starterConfiguration(withAbsolutePaths(options, context), context)
    : freshConfiguration({schema: context.program.schema});
  await mkdir(dirname(path), {recursive: true, mode: 0o700});
  await writeFile(path, text, {mode: 0o600, flag: 'wx'}).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new CommandError(EXIT.usage, `${path} is there already`, {
      hint: 'change it: orgkey config edit',
      cause: error,
    });
  });
  context.terminal.say(`wrote ${printable(path)}`);
  return EXIT.ok;
}

/** `orgkey config edit`: on a copy, which takes the place of the configuration when it is sound. */
export async function edit(options: Places, context: Context): Promise<ExitCode> {
  const path = fileInUse(options, context);
  // beside it: relative paths in it mean the same
  const draft = join(dirname(path), `.${basename(path)}.edit`);
  const was = await readFile(path);
  await makeDraft(draft, was);
  const next = await editUntilSound({draft, path}, options, context).catch(async (error: unknown) => {
    await rm(draft, {force: true});
    throw error;
  });
  if (next === undefined || next.equals(was)) {
    await rm(draft, {force: true});
    context.terminal.say(next === undefined ? 'the configuration stays as it was' : 'nothing was changed');
    return next === undefined ? EXIT.badConfiguration : EXIT.ok;
  }
  await replaceFile(path, {was, next, mode: 0o600, owner: 'kept'}).catch((error: unknown) => {
    context.terminal.say(`what you wrote is in ${printable(draft)}`);
    throw error;
  });
  await rm(draft, {force: true});
  context.terminal.say(`wrote ${printable(path)}`);
  await requireTaken(path, options, context);
  return EXIT.ok;
}

/** One that is there may hold what somebody writes now, or wrote and could not put in its place. */
async function makeDraft(draft: string, text: Uint8Array): Promise<void> {
  await writeFile(draft, text, {mode: 0o600, flag: 'wx'}).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new CommandError(EXIT.usage, `${printable(draft)} is there: somebody edits it, or did not end`, {
      hint: `if nobody edits it now, look into it, then: rm ${shellWord(draft)}`,
      cause: error,
    });
  });
}

/** `undefined`: it is not to become the configuration. */
async function editUntilSound(
  {draft, path}: {readonly draft: string; readonly path: string},
  options: Places,
  context: Context,
): Promise<Buffer | undefined> {
  const {terminal} = context;
  for (;;) {
    await runEditor(draft, context);
    const text = await readFile(draft);
    const loaded = await loadFor({...options, config: path}, context, {content: text});
    if (loaded.kind === 'loaded') return text;
    for (const problem of loaded.problems) tellProblem('error', problem, context);
    if (!terminal.isInteractive) return undefined;
    const answer = await terminal.ask('Edit again (y), or leave it as it was (n)', 'y');
    if (!answer.toLowerCase().startsWith('y')) return undefined;
  }
}

/** `$EDITOR` may hold arguments: it is for the shell, the path is not. */
function runEditor(path: string, {environment}: Context): Promise<void> {
  const editor = environment['VISUAL'] || environment['EDITOR'] || 'vi';
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], {
      stdio: 'inherit',
      env: environment,
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new CommandError(EXIT.unhealthy, 'the editor did not end well', {hint: 'set EDITOR'}));
    });
  });
}

function fileInUse(options: Places, context: Context): string {
  const found = configurationFile(options, context);
  if (found !== undefined) return found;
  throw noConfiguration();
}

function noConfiguration(): CommandError {
  return new CommandError(EXIT.badConfiguration, 'there is no configuration', {
    hint: 'make one: orgkey setup',
  });
}

function summaryOf({bindings}: Configuration): string {
  const organizations = bindings.reduce((sum, binding) => sum + binding.organizations.length, 0);
  const fallbacks = bindings.filter((binding) => binding.organizations.length === 0).length;
  return `sound, ${count(bindings.length, 'credential')} for ${count(organizations, 'organization')}${
    fallbacks === 0 ? '' : ` and ${count(fallbacks, 'fallback')}`
  }`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function showBinding({identity, ...binding}: Binding): object {
  const shown = Object.entries(identity).filter(([name]) => name !== 'key');
  const fields = shown.map(([name, value]) => [name, isSecretSource(value) ? showSecret(value) : value]);
  return {...binding, ...Object.fromEntries(fields)};
}

function isSecretSource(value: unknown): value is SecretSource {
  return typeof value === 'object' && value !== null && 'from' in value;
}

/** Where a secret comes from is no secret; the arguments of a command may be. */
function showSecret(source: SecretSource | AgentKeySource): string {
  switch (source.from) {
    case 'held':
      return '[redacted]';
    case 'file':
      return `[from the file ${printable(source.path, 200)}]`;
    case 'command':
      return `[from the program ${printable(source.argv[0] ?? '', 100)}]`;
    case 'keyring':
      return `[from the keyring, ${printable(source.name, 100)}]`;
    case 'ssh-agent':
      return `[in the ssh-agent at ${printable(source.socket, 200)}]`;
    case 'key-vault':
      return `[from the vault ${printable(source.vault, 100)}, ${printable(source.secret, 100)}]`;
  }
}

/** Names and values with indents, to be read, not parsed. */
function layValue(value: unknown, indent = ''): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      const [first = '', ...rest] = layValue(item, `${indent}  `);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  if (typeof value !== 'object' || value === null) return [`${indent}${printable(String(value))}`];
  return Object.entries(value).flatMap(([name, item]) => {
    if (item === undefined) return [];
    const nested = typeof item === 'object' && item !== null && Object.keys(item).length > 0;
    if (!nested) return [`${indent}${name}: ${describeLeaf(item)}`];
    if (Array.isArray(item) && item.every((one) => typeof one === 'string'))
      return [`${indent}${name}: ${printable(item.join(', '))}`];
    return [`${indent}${name}:`, ...layValue(item, `${indent}  `)];
  });
}

function describeLeaf(value: unknown): string {
  return Array.isArray(value) ? 'none' : printable(String(value));
}
