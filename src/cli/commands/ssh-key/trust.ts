import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import type {Settings} from '../../../config/configuration.ts';
import {readIfThere, replaceFile} from '../../../files/replace-file.ts';
import {isServicesSshHost} from '../../../organization/ssh-remote.ts';
import {machineDirectory} from '../../../places/paths.ts';
import type {HostKey} from '../../../ssh/host/host-keys.ts';
import {TRUSTED_HOSTS} from '../../../ssh/host/trusted-hosts.ts';
import {printable} from '../../../text/printable.ts';
import {CommandError, usageError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {isOfMachine, stateDirectory} from '../../locate.ts';
import {readConfiguration} from '../../read-configuration.ts';

interface TrustOptions extends Places {
  readonly host: string;
  readonly fingerprint?: readonly string[] | undefined;
}

interface Destination {
  readonly host: string;
  readonly port: number;
}

/** Runs `orgkey ssh-key trust`: the user compares each key, and we pin those that are confirmed. */
export async function trust(options: TrustOptions, context: Context): Promise<ExitCode> {
  const destination = destinationFrom(options.host);
  const {host, port} = destination;
  const {describeHostKey, howToPin, KnownHosts} = await import('../../../ssh/host/host-keys.ts');
  if (isServicesSshHost(host))
    throw usageError(
      `the host key of ${host} is built in`,
      `if Microsoft has published a new one, ${howToPin(host, port, undefined)}`,
    );
  const {settings} = await readConfiguration(options, context);
  const keys = await fetchKeys(destination, settings, context);
  const path = trustedHostsFile(options, context);
  const was = await readIfThere(path);
  const {terminal} = context;
  for (const key of new KnownHosts(was?.toString('utf8') ?? '').keysOf(host, port))
    if (!key.revoked) terminal.say(`pinned until now: ${describeHostKey(key)}`);
  for (const key of keys) terminal.say(`offered now: ${describeHostKey(key)}`);
  const confirmed = await confirmedOf(keys, options.fingerprint, context);
  await pin(confirmed, {destination, path, was, isShared: isOfMachine(options, context)});
  for (const key of confirmed) terminal.say(`pinned: ${describeHostKey(key)}`);
  terminal.say(`for ${host} at port ${port}, in ${printable(path)}`);
  for (const rule of settings.submodules)
    if (rule.host === host && rule.knownHosts !== undefined)
      terminal.warn(`the rule at ${rule.place} has its own knownHosts and ignores pinned keys`);
  return EXIT.ok;
}

function destinationFrom(text: string): Destination {
  const [, host = '', port = '22'] = /^([A-Za-z0-9._-]+)(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535)
    throw usageError(
      `invalid host: ${printable(text, 60)}`,
      'use HOST, or HOST:PORT with a port from 1 to 65535',
    );
  return {host: host.toLowerCase(), port: Number(port)};
}

async function fetchKeys(
  destination: Destination,
  {ssh}: Pick<Settings, 'ssh'>,
  {environment}: Context,
): Promise<HostKey[]> {
  const {chooseRoute} = await import('../../../ssh/grant/choose-route.ts');
  const {fetchHostKeys} = await import('../../../ssh/host/fetch-host-keys.ts');
  const choice = chooseRoute(destination, ssh.proxyCommand, environment);
  if (choice.kind === 'unusable')
    throw new CommandError(EXIT.badConfiguration, choice.reason, {hint: choice.hint});
  return fetchHostKeys(destination, choice.route, environment, AbortSignal.timeout(HOST_TIME));
}

/** How long a host may take to offer its keys, in milliseconds. */
const HOST_TIME = 15_000;

/**
 * Returns the keys that the user confirms. Each key came over a connection of its own, so one right key says nothing
 * about the others: a man in the middle may let the first connection through.
 */
async function confirmedOf(
  keys: readonly HostKey[],
  fingerprints: readonly string[] | undefined,
  {terminal}: Context,
): Promise<readonly HostKey[]> {
  if (fingerprints !== undefined) return keysWith(fingerprints, keys);
  if (!terminal.isInteractive)
    throw usageError(
      'the fingerprints cannot be confirmed without a terminal',
      "pass --fingerprint SHA256:… for each key that the host's administrator confirms",
    );
  const {describeHostKey} = await import('../../../ssh/host/host-keys.ts');
  const confirmed: HostKey[] = [];
  for (const key of keys) {
    const question = `Does the host's administrator confirm ${describeHostKey(key)} (yes/no)`;
    if ((await terminal.ask(question, 'no')) === 'yes') confirmed.push(key);
  }
  if (confirmed.length === 0) throw new CommandError(EXIT.unhealthy, 'no key was pinned');
  return confirmed;
}

async function keysWith(fingerprints: readonly string[], keys: readonly HostKey[]): Promise<HostKey[]> {
  const {fingerprintOf} = await import('../../../ssh/key/public-half.ts');
  const offered = new Set(keys.map(({blob}) => fingerprintOf(blob)));
  const missing = fingerprints.find((fingerprint) => !offered.has(fingerprint));
  if (missing !== undefined)
    throw new CommandError(
      EXIT.unhealthy,
      `the host offers no key with the fingerprint ${printable(missing, 60)}`,
      {hint: "ask the host's administrator: this may be a man-in-the-middle attack"},
    );
  return keys.filter(({blob}) => fingerprints.includes(fingerprintOf(blob)));
}

function trustedHostsFile(options: Places, context: Context): string {
  const directory = isOfMachine(options, context) ? machineDirectory : stateDirectory(options, context);
  return join(directory, TRUSTED_HOSTS);
}

interface Pinning {
  readonly destination: Destination;
  readonly path: string;
  readonly was: Buffer | undefined;
  /** The service of the machine and users' own daemons read the file. Host keys are not secret. */
  readonly isShared: boolean;
}

async function pin(keys: readonly HostKey[], {destination, path, was, isShared}: Pinning): Promise<void> {
  const {replaceHostKeys} = await import('../../../ssh/host/host-keys.ts');
  await mkdir(join(path, '..'), {recursive: true, mode: 0o700});
  const next = Buffer.from(replaceHostKeys(was?.toString('utf8') ?? '', destination, keys));
  await replaceFile(path, {was, next, mode: isShared ? 0o644 : 0o600, owner: 'kept'});
}
