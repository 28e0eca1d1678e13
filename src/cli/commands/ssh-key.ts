import {chmod, mkdir, rm, stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {collectionFrom} from '../../config/value/collection-name.ts';
import {machineDirectory} from '../../places/paths.ts';
import {removeSubmoduleKey, setSubmoduleKey, type KeyOwner} from '../../config/edit/edit-submodules.ts';
import type {Settings, SubmoduleSettings} from '../../config/configuration.ts';
import {SCHEMA_VERSION} from '../../control/control-protocol.ts';
import {readRuleKey} from '../../ssh/read-rule-key.ts';
import {readManifest, type FileRecord} from '../../git/manifest.ts';
import {gitFrom} from '../../git/run-git.ts';
import {lowerAscii, organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {isServicesSshHost, SERVICES_SSH_HOSTS} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import {readIfThere, replaceFile} from '../../files/replace-file.ts';
import type {HostKey} from '../../ssh/host/host-keys.ts';
import {readKeyFile} from '../../ssh/key/key-file.ts';
import {TRUSTED_HOSTS} from '../../ssh/host/trusted-hosts.ts';
import {
  KEY_LIFE,
  keyPageOf,
  makePrivateKey,
  readPrivateKey,
  type KeyReading,
  type PrivateKey,
} from '../../ssh/key/private-key.ts';
import type {SigningKey} from '../../ssh/key/signing-key.ts';
import {Secret} from '../../secret/secret.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {describeDuration} from '../describe-time.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {letServiceRead} from '../setup/let-service-read.ts';
import {
  absolute,
  configurationFile,
  isOfMachine,
  keyDirectory,
  setupDirectory,
  stateDirectory,
  homeOf,
} from '../locate.ts';
import {keepSecret} from '../paste-token.ts';
import {loadFor, readConfiguration, requireTaken, tellProblem} from '../read-configuration.ts';
import {changeGit, planGit} from '../setup/set-up-git.ts';
import {layTable} from '../table.ts';
import {style} from '../terminal.ts';

interface KeyOptions extends Places {
  readonly organization: string;
}

interface AddOptions extends KeyOptions {
  readonly file?: string | undefined;
  readonly force: boolean;
}

/** In bytes; the largest RSA key has 13 KiB. */
const LONGEST_KEY = 64 * 1024;

/** `orgkey ssh-key add` */
export async function add(options: AddOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const use = await planUse(owner, options, context);
  const secret = await readKey(options, context);
  const key = orRefuse(await readPrivateKey(secret, use.host));
  await keepKey(owner.path, secret, options, context);
  await putIntoUse(owner, use, options, context);
  tellKey(owner, use, key, context);
  return EXIT.ok;
}

/** `orgkey ssh-key new`: never over a key that is there. */
export async function make(options: KeyOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const {name, path} = owner;
  const use = await planUse(owner, options, context);
  if (use.rule !== undefined || (await readIfThere(path)) !== undefined)
    throw new CommandError(EXIT.usage, `${name} has a key already`, {
      hint: `see it: orgkey ssh-key show-public ${name}; or first: orgkey ssh-key remove ${name}`,
    });
  context.terminal.say('making an RSA key of 4096 bits …');
  const {secret, key} = await makePrivateKey();
  await keepKey(path, secret, options, context);
  await putIntoUse(owner, use, options, context);
  tellKey(owner, use, key, context);
  return EXIT.ok;
}

/** `orgkey ssh-key show-public` */
export async function showPublic(options: KeyOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const {settings} = await readConfiguration(options, context);
  const [rule] = rulesOf(owner, settings.submodules);
  if (rule === undefined)
    throw new CommandError(EXIT.usage, `${owner.name} has no submodule key`, {
      hint: `make one: orgkey ssh-key new ${owner.name}`,
    });
  context.terminal.print((await keyOf(rule, context)).publicLine(`orgkey-${owner.organization}`));
  return EXIT.ok;
}

/** `orgkey ssh-key list` */
export async function list(options: Places & {readonly json: boolean}, context: Context): Promise<ExitCode> {
  const keys = await Promise.all(
    (await readConfiguration(options, context)).settings.submodules.map((rule) =>
      describeRule(rule, context),
    ),
  );
  const {terminal, now} = context;
  if (options.json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, keys});
    return EXIT.ok;
  }
  const [titles = '', ...rows] = layTable(
    [
      {title: 'ORGANIZATION', least: 12},
      {title: 'KEY', least: 3},
      {title: 'AGE', least: 3},
      {title: 'FINGERPRINT', least: 50},
    ],
    keys.map(({organizations, type, size, savedAt, fingerprint, problem}) => [
      printable(organizations.join(', '), 60),
      type === undefined ? '–' : `${type.replace(/^ssh-/, '').toUpperCase()} ${size}`,
      savedAt === undefined ? '–' : describeDuration(now() - savedAt),
      fingerprint ?? problem ?? '',
    ]),
    terminal.columns,
  );
  terminal.print([style('bold', titles), ...rows].join('\n'));
  for (const {organizations, savedAt} of keys) {
    if (savedAt !== undefined && now() - savedAt > KEY_LIFE)
      terminal.warn(
        `the key of ${organizations.join(', ')} is older than a year: Azure DevOps has ended it by now`,
      );
  }
  return EXIT.ok;
}

/** `orgkey ssh-key remove` */
export async function remove(options: KeyOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const {name, path} = owner;
  const loaded = await loadFor(options, context);
  const rules = loaded.kind === 'loaded' ? loaded.configuration.settings.submodules : [];
  const [rule, ...others] = rulesOf(owner, rules);
  if (rule !== undefined && (others.length > 0 || rule.organizations.length > 1))
    throw sharedRule(name, rule);
  const file = configurationFile(options, context);
  const was = file === undefined ? undefined : await readIfThere(file);
  const edit = was && removeSubmoduleKey(was.toString('utf8'), owner);
  const isKept = (await readIfThere(path)) !== undefined;
  if (edit === undefined && !isKept)
    throw new CommandError(EXIT.usage, `${name} has no submodule key of its own`, {
      hint: 'see: orgkey ssh-key list',
    });
  if (file !== undefined && edit !== undefined) {
    const repair = `take out the rule of ${name}: orgkey config edit`;
    if (edit.kind !== 'text')
      throw new CommandError(EXIT.badConfiguration, 'the configuration could not be changed', {hint: repair});
    // what was wrong before is not for us to hold against it
    if (loaded.kind === 'loaded') await requireSound(edit.text, repair, options, context);
    await replaceText(file, was, edit.text);
  }
  const isOthers = rules.some((other) => other !== rule && other.keyFile === path);
  if (!isOthers) await rm(path, {force: true});
  await refresh(options, context);
  const left = isOthers ? path : rule?.keyFile === path ? undefined : rule?.keyFile;
  context.terminal.say(
    `removed the ${left === undefined ? 'key' : 'rule'} of ${name}; delete its public half too: ${keyPageOf(owner.organization, rule?.host ?? owner.host ?? SERVICES_SSH_HOSTS[0])}`,
  );
  if (left !== undefined)
    context.terminal.warn(
      `its key stays in ${printable(left)}`,
      'delete the file, unless something else uses it',
    );
  return EXIT.ok;
}

/** `orgkey ssh-key trust`: the person compares each key, we pin. */
export async function trust(
  options: Places & {readonly host: string; readonly fingerprint?: readonly string[] | undefined},
  context: Context,
): Promise<ExitCode> {
  const destination = destinationFrom(options.host);
  const {host, port} = destination;
  const {describeHostKey, howToPin, KnownHosts, replaceHostKeys} =
    await import('../../ssh/host/host-keys.ts');
  if (isServicesSshHost(host))
    throw new CommandError(EXIT.usage, `the host key of ${host} is built in`, {
      hint: `only if Microsoft publishes another: ${howToPin(host, port, undefined)}`,
    });
  const {settings} = await readConfiguration(options, context);
  const keys = await shownBy(destination, settings, context);
  const directory = isOfMachine(options, context) ? machineDirectory : stateDirectory(options, context);
  const path = join(directory, TRUSTED_HOSTS);
  const was = await readIfThere(path);
  const known = was?.toString('utf8') ?? '';
  const {terminal} = context;
  for (const key of new KnownHosts(known).keysOf(host, port))
    if (!key.revoked) terminal.say(`pinned until now: ${describeHostKey(key)}`);
  for (const key of keys) terminal.say(`shown now: ${describeHostKey(key)}`);
  const confirmed = await confirmedOf(keys, options.fingerprint, context);
  await mkdir(directory, {recursive: true, mode: 0o700});
  const next = Buffer.from(replaceHostKeys(known, destination, confirmed));
  // no secret: the daemon of the machine, and people's own, read it beside their configuration
  await replaceFile(path, {was, next, mode: isOfMachine(options, context) ? 0o644 : 0o600, owner: 'kept'});
  for (const key of confirmed) terminal.say(`pinned: ${describeHostKey(key)}`);
  terminal.say(`for ${host} at port ${port}, in ${printable(path)}`);
  for (const {place} of settings.submodules.filter(
    (rule) => rule.host === host && rule.knownHosts !== undefined,
  ))
    terminal.warn(`the rule at ${place} has knownHosts of its own, and goes by those alone`);
  return EXIT.ok;
}

function destinationFrom(text: string): {readonly host: string; readonly port: number} {
  const [, host = '', port = '22'] = /^([A-Za-z0-9._-]+)(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535)
    throw new CommandError(EXIT.usage, 'that is no host: HOST, or HOST:PORT with a port of 1 to 65535');
  return {host: host.toLowerCase(), port: Number(port)};
}

async function shownBy(
  destination: {readonly host: string; readonly port: number},
  {sshProxyCommand}: Pick<Settings, 'sshProxyCommand'>,
  {environment}: Context,
): Promise<HostKey[]> {
  const {chooseRoute} = await import('../../ssh/grant/choose-route.ts');
  const {fetchHostKeys} = await import('../../ssh/host/fetch-host-keys.ts');
  const choice = chooseRoute(destination, sshProxyCommand, environment);
  if (choice.kind === 'unusable') throw new CommandError(EXIT.badConfiguration, choice.reason);
  return fetchHostKeys(destination, choice.route, environment, AbortSignal.timeout(PATIENCE));
}

/**
 * Each key comes over a connection of its own, so that one of them is right says nothing of the others: whoever stands
 * in between may let the first connection through.
 */
async function confirmedOf(
  keys: readonly HostKey[],
  fingerprints: readonly string[] | undefined,
  {terminal}: Context,
): Promise<readonly HostKey[]> {
  const {describeHostKey} = await import('../../ssh/host/host-keys.ts');
  const {fingerprintOf} = await import('../../ssh/key/public-half.ts');
  if (fingerprints !== undefined) {
    const shown = new Set(keys.map(({blob}) => fingerprintOf(blob)));
    const missing = fingerprints.find((fingerprint) => !shown.has(fingerprint));
    if (missing === undefined) return keys.filter(({blob}) => fingerprints.includes(fingerprintOf(blob)));
    throw new CommandError(
      EXIT.unhealthy,
      `the host shows no key with the fingerprint ${printable(missing, 60)}`,
      {
        hint: 'ask who runs the host; somebody may stand in between',
      },
    );
  }
  if (!terminal.isInteractive)
    throw new CommandError(EXIT.usage, 'nobody is there to compare the fingerprints', {
      hint: 'give each that who runs the host confirms: --fingerprint SHA256:…',
    });
  const confirmed: HostKey[] = [];
  for (const key of keys) {
    const question = `Does ${describeHostKey(key)} come from who runs the host (yes/no)`;
    if ((await terminal.ask(question, 'no')) === 'yes') confirmed.push(key);
  }
  if (confirmed.length === 0) throw new CommandError(EXIT.unhealthy, 'nothing was pinned');
  return confirmed;
}

/** Whom a key is for, and where it lies that orgkey keeps. */
interface Owner extends KeyOwner {
  /** As people type it. */
  readonly name: string;
  readonly path: string;
}

/** `contoso`, or `tfs.example.org/main` by the ssh name of a server. */
function ownerOf(options: KeyOptions, context: Context): Owner {
  const {organization: typed} = options;
  const [, host, collection = ''] = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,252})\/(.*)$/.exec(typed) ?? [];
  const organization = host === undefined ? organizationFrom(typed) : collectionFrom(collection);
  const server = host === undefined ? undefined : lowerAscii(host);
  if (organization === undefined || server === SERVICES_HOST)
    throw new CommandError(EXIT.usage, `that is not the name of an organization: ${printable(typed, 60)}`, {
      hint: 'ORGANIZATION; HOST/COLLECTION on a server, by its ssh name',
    });
  const place = (file: string) => join(keyDirectory(options, context), file);
  return server === undefined
    ? {name: organization, organization, host: undefined, path: place(organization)}
    : {
        name: `${server}/${organization}`,
        organization,
        host: server,
        path: place(`${encodeURIComponent(organization)}@${server}`),
      };
}

function rulesOf({organization, host}: Owner, rules: readonly SubmoduleSettings[]): SubmoduleSettings[] {
  return rules.filter(
    (rule) => rule.organizations.includes(organization) && (host === undefined || host === rule.host),
  );
}

async function readKey({file, force}: AddOptions, context: Context): Promise<Secret> {
  const {terminal} = context;
  if (file === undefined) {
    if (!terminal.isInteractive)
      throw new CommandError(EXIT.usage, 'nothing says which key', {
        hint: 'give --file FILE, or --file - for stdin',
      });
    const typed = await terminal.askSecretLines('Paste the private key');
    if (typed === undefined) throw new CommandError(EXIT.usage, 'nothing was entered');
    return typed;
  }
  if (file === '-') return new Secret(Uint8Array.from(await terminal.readInput(LONGEST_KEY)));
  const reading = await readKeyFile(absolute(file, context), {
    home: homeOf(context),
    userId: context.uid,
    personal: force ? 'accepted' : 'rejected',
  });
  if (reading.kind === 'text') return reading.secret;
  throw new CommandError(EXIT.usage, reading.reason, {hint: reading.hint});
}

function orRefuse(reading: KeyReading): PrivateKey {
  if (reading.kind === 'key') return reading.key;
  throw new CommandError(EXIT.usage, reading.reason, {hint: reading.hint});
}

interface Use {
  /** Where the key is used, by its ssh name. */
  readonly host: string;
  /** The one that is there. */
  readonly rule: SubmoduleSettings | undefined;
  readonly file: string | undefined;
  readonly was: Buffer | undefined;
  /** `undefined`: it cannot be added to. */
  readonly next: string | undefined;
}

/** What makes the configuration read the key from its file: known before a key is asked for. */
async function planUse(owner: Owner, options: Places, context: Context): Promise<Use> {
  const {settings} = await readConfiguration(options, context);
  const [rule] = rulesOf(owner, settings.submodules);
  const file = configurationFile(options, context);
  const was = file === undefined ? undefined : await readIfThere(file);
  const edit = was && setSubmoduleKey(was.toString('utf8'), owner, owner.path);
  if (rule !== undefined && edit?.kind === 'shared') throw sharedRule(owner.name, rule);
  return {
    host: rule?.host ?? owner.host ?? SERVICES_SSH_HOSTS[0],
    rule,
    file,
    was,
    next: edit?.kind === 'text' ? edit.text : undefined,
  };
}

function sharedRule(name: string, {place, keyFile}: SubmoduleSettings): CommandError {
  const where = keyFile === undefined ? 'where it says' : `in ${printable(keyFile)}`;
  return new CommandError(
    EXIT.usage,
    `the key of ${name} is not its own: the rule at ${place} is for others too, or one of several`,
    {
      hint: `replace the key ${where}, or give ${name} one rule: orgkey config edit`,
    },
  );
}

/** The configuration reads the key from its file; git asks the wrapper; the daemon knows at once. */
async function putIntoUse(
  owner: Owner,
  {host, rule, file, was, next}: Use,
  options: Places,
  context: Context,
): Promise<void> {
  const {terminal} = context;
  const {name, organization, path} = owner;
  const at = isServicesSshHost(host) ? '' : `host: ${host}, `;
  const repair =
    rule === undefined
      ? `add: orgkey: {submodules: [{organizations: [${organization}], ${at}privateKey: {$file: ${path}}}]}`
      : `write into the rule at ${rule.place}: privateKey: {$file: ${path}}`;
  if (file === undefined || next === undefined) {
    terminal.warn('the configuration could not be added to', repair);
    return;
  }
  if (next !== was?.toString('utf8')) {
    const {submodules} = await requireSound(next, repair, options, context);
    // a path may mean another one there: ${…} is replaced
    const read = rulesOf(owner, submodules);
    if (read.length === 0 || read.some(({keyFile}) => keyFile !== path)) throw unsound(repair);
    await replaceText(file, was, next);
    const what =
      rule === undefined ? 'added to orgkey.submodules' : `reads its key from ${printable(path)} now,`;
    terminal.say(`configuration: ${name} ${what} in ${printable(file)}`);
    if (rule?.keyFile !== undefined && rule.keyFile !== path)
      terminal.warn(
        `its key before stays in ${printable(rule.keyFile)}`,
        'delete the file, unless something else uses it',
      );
  }
  await refresh(options, context);
}

/** What would be loaded with this text. @throws {CommandError} where nothing would, after every problem was told. */
async function requireSound(
  text: string,
  repair: string,
  options: Places,
  context: Context,
): Promise<Settings> {
  const loaded = await loadFor(options, context, {content: Buffer.from(text)});
  if (loaded.kind === 'loaded') return loaded.configuration.settings;
  for (const problem of loaded.problems) tellProblem('error', problem, context);
  throw unsound(repair);
}

function unsound(repair: string): CommandError {
  return new CommandError(
    EXIT.badConfiguration,
    'the configuration was left as it is: changed, it would not be sound',
    {hint: repair},
  );
}

/** What follows from another configuration, as far as it was set up. */
async function refresh(options: Places, context: Context): Promise<void> {
  const {source} = await readConfiguration(options, context);
  const records = await readManifest(setupDirectory(options, context));
  if (records.length > 0) await tellGit(records, options, context);
  await requireTaken(source, options, context);
}

async function tellGit(records: readonly FileRecord[], options: Places, context: Context): Promise<void> {
  const loaded = await loadFor(options, context, {absent: 'error'});
  if (loaded.kind === 'invalid') {
    // organizations that git knows by now may be left out here
    context.terminal.warn('git is told nothing: the configuration has variables that are not set here');
    return;
  }
  const isProactive = records.some(({settings}) => settings.some(({key}) => key.endsWith('.proactiveAuth')));
  const gitOptions = {...options, system: false, 'no-proactive-auth': !isProactive};
  const plan = await planGit(loaded.configuration, gitOptions, context, gitFrom(context.environment));
  await changeGit(plan, gitOptions, context);
}

function replaceText(path: string, was: Buffer | undefined, text: string): Promise<void> {
  return replaceFile(path, {was, next: Buffer.from(text), mode: 0o600, owner: 'kept'});
}

/** Where whoever reads the configuration reads it too. */
async function keepKey(path: string, secret: Secret, options: Places, context: Context): Promise<void> {
  await keepSecret(path, secret);
  if (!isOfMachine(options, context)) return;
  await chmod(dirname(path), 0o755);
  await letServiceRead(path, context);
}

async function keyOf(rule: SubmoduleSettings, {environment}: Context): Promise<SigningKey> {
  const reading = await readRuleKey(rule, environment);
  switch (reading.kind) {
    case 'key':
      return reading.key;
    case 'failed':
      throw new CommandError(EXIT.unhealthy, reading.reason, {hint: reading.hint});
    case 'elsewhere':
      throw new CommandError(EXIT.unhealthy, 'the key is not in a file: only the daemon reads it');
  }
}

async function describeRule(rule: SubmoduleSettings, context: Context) {
  const {organizations, host, place, keyFile} = rule;
  const saved = keyFile === undefined ? undefined : await stat(keyFile).catch(() => undefined);
  const about = {organizations, host, place, savedAt: saved?.mtimeMs};
  try {
    const {type, size, fingerprint} = await keyOf(rule, context);
    return {...about, type, size, fingerprint, problem: undefined};
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown';
    return {...about, type: undefined, size: undefined, fingerprint: undefined, problem};
  }
}

function tellKey({name, organization}: Owner, {host}: Use, key: SigningKey, {terminal}: Context): void {
  terminal.say(`${style('green', '✓')} ${name}: ${key.type} ${key.size}, ${key.fingerprint}`);
  terminal.say(`Paste the public half at ${keyPageOf(organization, host)}`);
  terminal.print(key.publicLine(`orgkey-${organization}`));
}

/** How long a host may take to show its keys, in milliseconds. */
const PATIENCE = 15_000;
