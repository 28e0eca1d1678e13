import {access, constants, lstat, readFile} from 'node:fs/promises';
import {
  credentialChainFor,
  ourHelper,
  type CredentialChain,
  type OurHelper,
} from '../../git/credential-chain.ts';
import {coversCredential} from '../../git/match-url.ts';
import {describeOrigin, partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {maskLogins} from '../mask-logins.ts';
import {lookFor, replaceValue, takeOutValue} from '../repair-setting.ts';
import type {Target} from '../target.ts';
import type {World} from '../world.ts';

const {ok, skipped, warning, failed} = diagnosticsOf('git');

/** Whom git asks for each organization, and whether it tells which organization is meant: as git itself sees it. */
export async function checkHelpers({
  settings,
  targets,
  helper,
  packagedHelper,
}: Pick<World, 'settings' | 'targets' | 'helper' | 'packagedHelper'>): Promise<readonly Diagnostic[]> {
  const covered = targets.filter(({identity}) => identity !== undefined);
  if (covered.length === 0) return [skipped('helper', 'no organization is configured by name')];
  const faults = new Map<string, {readonly fault: Fault; readonly names: string[]}>();
  for (const target of covered) {
    for (const fault of await faultsOf(target, settings, {helper, packagedHelper})) {
      const key = JSON.stringify(fault);
      const known = faults.get(key);
      if (known === undefined) faults.set(key, {fault, names: [target.name]});
      else known.names.push(target.name);
    }
  }
  // what is the same for many is told once
  const told = [...faults.values()].map(({fault: {isFatal, title, detail, repair}, names}) =>
    (isFatal ? failed : warning)(title, `${listNames(names)}: ${detail}`, repair),
  );
  const faulty = new Set([...faults.values()].flatMap(({names}) => names));
  const well = covered.map(({name}) => name).filter((name) => !faulty.has(name));
  return well.length === 0 ? told : [ok('helper', `git asks orgkey for ${listNames(well)}`), ...told];
}

type Expected = Pick<World, 'helper' | 'packagedHelper'>;

interface Fault {
  readonly isFatal: boolean;
  readonly title: string;
  readonly detail: string;
  readonly repair: string;
}

async function faultsOf(
  {addresses, repository, host}: Target,
  settings: readonly SeenSetting[],
  expected: Expected,
): Promise<Fault[]> {
  const base = addresses[0] ?? `https://${host}`;
  const url = repository ?? `${base}/project/_git/repository`;
  const chain = credentialChainFor(url, settings);
  const at = chain.helpers.findIndex((one) => ourHelper(one) !== undefined);
  const found = chain.helpers[at];
  const ours = found && ourHelper(found);
  if (found === undefined || ours === undefined) return [notAsked({url, base}, settings, chain)];
  const before = chain.helpers.slice(0, at);
  const after = chain.helpers.slice(at + 1).filter((one) => ourHelper(one) === undefined);
  return [
    ...(await faultsOfScript(ours, found, expected)),
    ...(before.length === 0 ? [] : [askedBefore(before)]),
    ...toldAfter(after, (one) => isUndoneBySetup(one, found, base)),
    ...(chain.sendsPath || !url.startsWith(`https://${host}`) ? [] : [withoutPath(chain, host)]),
  ];
}

/** Somebody who resets the helpers after ours stands is named: that is what to change. */
function notAsked(
  {url, base}: {readonly url: string; readonly base: string},
  settings: readonly SeenSetting[],
  chain: CredentialChain,
): Fault {
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
  const others = chain.helpers.length === 0 ? 'nobody' : chain.helpers.map(describeHelper).join(', ');
  if (found === undefined || reset === undefined)
    return {
      isFatal: true,
      title: 'helper',
      detail: `git does not ask orgkey, but ${others}`,
      repair: 'orgkey setup',
    };
  return {
    isFatal: true,
    title: 'helper',
    detail: `git asks ${others} instead of orgkey: the helpers are dropped by an empty ${maskLogins(reset.key)} (${describeOrigin(reset)})`,
    // only the empty line goes, what others need stays
    repair: isUndoneBySetup(reset, found, base) ? 'orgkey setup' : takeOutValue(reset),
  };
}

async function faultsOfScript(
  ours: OurHelper,
  seen: SeenSetting,
  {helper, packagedHelper}: Expected,
): Promise<Fault[]> {
  const where = describeOrigin(seen);
  if (ours.kind === 'name') return [];
  const path = printable(ours.path, 200);
  if (ours.kind === 'socket') {
    const facts = await lstat(ours.path).catch(() => undefined);
    if (facts?.isSocket() === true) return [];
    const detail = `git is sent to ${path}, where no socket is (${where})`;
    const repair = 'mount the directory of the scoped socket there, and start the daemon';
    return [{isFatal: true, title: 'helper', detail, repair}];
  }
  const isThere = await access(ours.path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isThere)
    return [
      {
        isFatal: true,
        title: 'helper',
        detail: `${path} is not there or cannot be run (${where})`,
        repair: 'orgkey setup',
      },
    ];
  if (ours.path === packagedHelper) return [];
  if (ours.path === helper)
    return (await isSameText(helper, packagedHelper))
      ? []
      : [
          {
            isFatal: false,
            title: 'helper',
            detail: `git runs the helper of another version: ${path}`,
            repair: 'orgkey setup',
          },
        ];
  const detail = `git runs the helper of another orgkey: ${path} (${where})`;
  return [
    {isFatal: false, title: 'helper', detail, repair: 'orgkey setup\nwith the orgkey that shall be used'},
  ];
}

async function isSameText(one: string, other: string): Promise<boolean> {
  const [text, otherText] = await Promise.all([readFile(one, 'utf8'), readFile(other, 'utf8')]);
  return text === otherText;
}

function askedBefore(others: readonly SeenSetting[]): Fault {
  return {
    isFatal: false,
    title: 'helper',
    detail: `others are asked before orgkey, and what they know wins: ${others.map(describeHelper).join(', ')}`,
    repair: 'orgkey setup',
  };
}

/** git hands every login that worked to all helpers of the chain. */
function toldAfter(others: readonly SeenSetting[], isUndone: (other: SeenSetting) => boolean): Fault[] {
  const undone = others.filter(isUndone);
  const rest = others.filter((other) => !isUndone(other));
  return [
    ...(undone.length === 0 ? [] : [toldTo(undone, 'orgkey setup')]),
    ...rest.map((other) => toldTo([other], takeOutHelper(other))),
  ];
}

function toldTo(others: readonly SeenSetting[], repair: string): Fault {
  return {
    isFatal: false,
    title: 'helper',
    detail: `others are given each token that worked, and may keep it: ${others.map(describeHelper).join(', ')}`,
    repair,
  };
}

function takeOutHelper(other: SeenSetting): string {
  const command = isPlainWord(other.value) ? takeOutValue(other) : lookFor(other);
  const isForAll = partsOfKey(other.key).between === undefined;
  return isForAll ? `${command}\nunless other hosts need it there` : command;
}

/** Whether setup writes our lines after that line: in another file, or in that of ours where it is about all of it. */
function isUndoneBySetup({key, scope, origin}: SeenSetting, ours: SeenSetting, base: string): boolean {
  if (scope === 'system') return true;
  const {between} = partsOfKey(key);
  const isSeen = scope === 'global' && origin === ours.origin;
  return isSeen && (between === undefined || coversCredential(between, base));
}

function withoutPath({useHttpPath}: CredentialChain, host: string): Fault {
  const why =
    useHttpPath === undefined
      ? 'useHttpPath is not set'
      : `useHttpPath is ${printable(useHttpPath.value, 20)} (${describeOrigin(useHttpPath)})`;
  return {
    isFatal: true,
    title: 'useHttpPath',
    detail: `git does not tell which organization is meant: ${why}`,
    repair:
      useHttpPath === undefined
        ? `git config --global ${shellWord(`credential.https://${host}.useHttpPath`)} true`
        : replaceValue(useHttpPath, 'true'),
  };
}

/** A helper can be any command, with anything in it. */
function describeHelper(setting: SeenSetting): string {
  const [word = ''] = setting.value.replace(/^!\s*/, '').trim().split(/\s/, 1);
  const name = isPlainWord(word) ? word.replaceAll(/['"]/g, '') : 'a command';
  return `${printable(name, 60)} (${describeOrigin(setting)})`;
}

/** Which holds no secret. */
function isPlainWord(text: string): boolean {
  return /^[\w./'"~+-]+$/.test(text);
}

/** Three by name, the rest by number. */
function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => printable(name, 60));
  return names.length > 3 ? `${shown.join(', ')} and ${names.length - 3} more` : shown.join(', ');
}
