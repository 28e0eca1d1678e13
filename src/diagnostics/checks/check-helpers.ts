import {constants, lstat, readFile} from 'node:fs/promises';
import {
  credentialChainFor,
  ourHelper,
  type CredentialChain,
  type OurHelper,
} from '../../git/credential-chain.ts';
import {coversCredential} from '../../git/match-url.ts';
import {includesOwnFile, isOwnFile} from '../../git/own-file.ts';
import {describeOrigin, partsOfKey, showKey, type SeenSetting, fileOf} from '../../git/seen-settings.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {lookFor, replaceValue, takeOutValue} from '../repair-setting.ts';
import type {Target} from '../target.ts';
import type {World} from '../world.ts';
import {nameSome} from '../../text/name-some.ts';
import {rewriteUrl} from '../../git/rewrite-url.ts';
import {canAccess} from '../../files/can-access.ts';

const {ok, skipped, warning, failed} = diagnosticsOf('git');

/** Checks, with git's own rules, which helpers git asks for each organization and whether it sends the path. */
export async function checkHelpers({
  settings,
  targets,
  helper,
  packagedHelper,
}: Pick<World, 'settings' | 'targets' | 'helper' | 'packagedHelper'>): Promise<readonly Diagnostic[]> {
  const covered = targets.filter(({identity}) => identity !== undefined);
  if (covered.length === 0) return [skipped('helper', 'no organization is configured by name')];
  const findings: {readonly finding: Diagnostic; readonly name: string}[] = [];
  for (const target of covered)
    for (const finding of await findingsOf(target, settings, {helper, packagedHelper}))
      findings.push({finding, name: target.name});
  // equal findings for several organizations become one diagnostic
  const equal = Map.groupBy(findings, ({finding}) => JSON.stringify(finding));
  const diagnostics = [...equal.values()].flatMap((ones) =>
    ones.slice(0, 1).map(({finding}) => {
      const names = ones.map(({name}) => name);
      return {...finding, detail: `${nameSome(names, 3)}: ${finding.detail}`};
    }),
  );
  const affected = new Set(findings.map(({name}) => name));
  const sound = covered.map(({name}) => name).filter((name) => !affected.has(name));
  return [
    ...(sound.length === 0 ? [] : [ok('helper', `git asks orgkey for ${nameSome(sound, 3)}`)]),
    ...whereOurs(settings),
    ...diagnostics,
  ];
}

type Expected = Pick<World, 'helper' | 'packagedHelper'>;

async function findingsOf(
  {addresses, repository, host}: Target,
  settings: readonly SeenSetting[],
  expected: Expected,
): Promise<Diagnostic[]> {
  const base = addresses[0] ?? `https://${host}`;
  const url = rewritten(repository ?? `${base}/project/_git/repository`, settings);
  const chain = credentialChainFor(url, settings);
  const at = chain.helpers.findIndex((one) => ourHelper(one) !== undefined);
  const found = chain.helpers[at];
  const ours = found && ourHelper(found);
  if (found === undefined || ours === undefined) return [notAsked({url, base}, settings, chain)];
  const before = chain.helpers.slice(0, at);
  const after = chain.helpers.slice(at + 1).filter((one) => ourHelper(one) === undefined);
  return [
    ...(await findingsOfScript(ours, found, expected)),
    ...(before.length === 0 ? [] : [askedBefore(before, respell(url, base) ?? 'orgkey setup')]),
    ...askedAfter(after, (one) => isUndoneBySetup(one, mainFileOf(found, settings), base)),
    ...(chain.sendsPath || !url.startsWith(`https://${host}`) ? [] : [withoutPath(chain, host)]),
  ];
}

/** If a later empty line drops our helper, that line is named: it is what has to change. */
function notAsked(
  {url, base}: {readonly url: string; readonly base: string},
  settings: readonly SeenSetting[],
  chain: CredentialChain,
): Diagnostic {
  const ours = settings.findLastIndex(
    (setting, at) =>
      ourHelper(setting) !== undefined &&
      credentialChainFor(url, settings.slice(0, at + 1)).helpers.includes(setting),
  );
  const reset = settings.findLast(
    (setting, at) =>
      at > ours &&
      setting.value === '' &&
      setting.key.endsWith('.helper') &&
      credentialChainFor(url, settings.slice(0, at + 1)).helpers.length === 0,
  );
  const found = settings[ours];
  const others = chain.helpers.map(describeHelper).join(', ');
  if (found === undefined || reset === undefined) return failed('helper', insteadOf(others), 'orgkey setup');
  return failed(
    'helper',
    `${insteadOf(others)}: the helpers are dropped by an empty ${showKey(reset.key)} (${describeOrigin(reset)})`,
    // remove only the empty line: other hosts may need the rest
    isUndoneBySetup(reset, mainFileOf(found, settings), base) ? 'orgkey setup' : takeOutValue(reset),
  );
}

async function findingsOfScript(
  ours: OurHelper,
  seen: SeenSetting,
  {helper, packagedHelper}: Expected,
): Promise<Diagnostic[]> {
  const where = describeOrigin(seen);
  if (ours.kind === 'name') return [];
  const path = printable(ours.path, 200);
  if (ours.kind === 'socket') {
    const facts = await lstat(ours.path).catch(() => undefined);
    if (facts?.isSocket() === true) return [];
    const detail = `git's helper uses ${path}, which is not a socket (${where})`;
    const repair = 'mount the directory of the scoped socket there and start the daemon';
    return [failed('helper', detail, repair)];
  }
  if (!(await canAccess(ours.path, constants.X_OK)))
    return [failed('helper', `${path} does not exist or is not executable (${where})`, 'orgkey setup')];
  if (ours.path === packagedHelper) return [];
  if (ours.path === helper)
    return (await isSameText(helper, packagedHelper))
      ? []
      : [warning('helper', `git runs the helper of another version: ${path}`, 'orgkey setup')];
  const detail = `git runs the helper of another orgkey: ${path} (${where})`;
  return [warning('helper', detail, 'orgkey setup\nrun by the orgkey that git should use')];
}

async function isSameText(one: string, other: string): Promise<boolean> {
  const [text, otherText] = await Promise.all([readFile(one, 'utf8'), readFile(other, 'utf8')]);
  return text === otherText;
}

/** Returns the URL that git uses for a URL, unless it leads elsewhere than over HTTPS. */
function rewritten(url: string, settings: readonly SeenSetting[]): string {
  const found = rewriteUrl(url, settings);
  return found.startsWith('https://') ? found : url;
}

/**
 * Returns the command that makes git spell an organization as in the configuration, in every clone. Git compares the
 * case of paths, so our settings miss another spelling. `undefined`: the spelling is the same.
 */
function respell(url: string, base: string): string | undefined {
  const start = url.slice(0, base.length + 1);
  const wanted = `${base}/`;
  if (start === wanted || start.toLowerCase() !== wanted.toLowerCase()) return undefined;
  return `git config --global ${shellWord(`url.${wanted}.insteadOf`)} ${shellWord(start)}`;
}

function askedBefore(others: readonly SeenSetting[], repair: string): Diagnostic {
  return warning(
    'helper',
    `git asks other helpers before orgkey, and takes the first answer: ${others.map(describeHelper).join(', ')}`,
    repair,
  );
}

/** Git passes every credential that worked to all helpers of the chain. */
function askedAfter(others: readonly SeenSetting[], isUndone: (other: SeenSetting) => boolean): Diagnostic[] {
  const undone = others.filter(isUndone);
  const rest = others.filter((other) => !isUndone(other));
  return [
    ...(undone.length === 0 ? [] : [receiver(undone, 'orgkey setup')]),
    ...rest.map((other) => receiver([other], takeOutHelper(other))),
  ];
}

function receiver(others: readonly SeenSetting[], repair: string): Diagnostic {
  return warning(
    'helper',
    `other helpers receive each token that worked, and may store it: ${others.map(describeHelper).join(', ')}`,
    repair,
  );
}

function takeOutHelper(other: SeenSetting): string {
  const command = isPlainWord(other.value) ? takeOutValue(other) : lookFor(other);
  const isForAll = partsOfKey(other.key).between === undefined;
  return isForAll ? `${command}\nunless other hosts need it` : command;
}

/** Whether setup writes our lines after that line: it is in the system file, or covers all of `base` in `mainFile`. */
function isUndoneBySetup({key, scope, origin}: SeenSetting, mainFile: string, base: string): boolean {
  if (scope === 'system') return true;
  const {between} = partsOfKey(key);
  const isSeen = scope === 'global' && origin === mainFile;
  return isSeen && (between === undefined || coversCredential(between, base));
}

/** Returns the file that `setup` changes: the one that includes ours, or has our line itself. */
function mainFileOf(ours: SeenSetting, settings: readonly SeenSetting[]): string {
  return (isOwnFile(fileOf(ours)) ? settings.findLast(includesOwnFile) : undefined)?.origin ?? ours.origin;
}

function insteadOf(others: string): string {
  return others === '' ? 'git has no credential helper' : `git does not ask orgkey, but ${others}`;
}

/** Says where everything is that `setup` told git. */
function whereOurs(settings: readonly SeenSetting[]): Diagnostic[] {
  const seen = settings.filter((setting) => isOwnFile(fileOf(setting)));
  return [...new Set(seen.map(fileOf))].map((file) =>
    ok(
      'settings',
      `${seen.filter((one) => fileOf(one) === file).length} settings are in ${printable(file, 200)}`,
    ),
  );
}

function withoutPath({useHttpPath}: CredentialChain, host: string): Diagnostic {
  const why =
    useHttpPath === undefined
      ? 'useHttpPath is not set'
      : `useHttpPath is ${printable(useHttpPath.value, 20)} (${describeOrigin(useHttpPath)})`;
  return failed(
    'useHttpPath',
    `git does not send the organization's name: ${why}`,
    useHttpPath === undefined
      ? `git config --global ${shellWord(`credential.https://${host}.useHttpPath`)} true`
      : replaceValue(useHttpPath, 'true'),
  );
}

/** Names a helper without its arguments, which can hold anything. */
function describeHelper(setting: SeenSetting): string {
  const [word = ''] = setting.value.replace(/^!\s*/, '').trim().split(/\s/, 1);
  const name = isPlainWord(word) ? word.replaceAll(/['"]/g, '') : 'a command';
  return `${printable(name, 60)} (${describeOrigin(setting)})`;
}

/** Whether a text cannot hold a secret in a URL or an assignment. */
function isPlainWord(text: string): boolean {
  return /^[\w./'"~+-]+$/.test(text);
}
