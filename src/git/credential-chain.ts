import {coversCredential} from './match-url.ts';
import {partsOfKey, truthOf, type SeenSetting} from './seen-settings.ts';
import {pathInHelper} from './setting.ts';

/** The helpers and the settings that git uses to get a credential for one URL. */
export interface CredentialChain {
  /** In the order in which git asks them. */
  readonly helpers: readonly SeenSetting[];
  /** The setting that decides whether git sends the path. `undefined`: not set, and git does not send it. */
  readonly useHttpPath: SeenSetting | undefined;
  readonly sendsPath: boolean;
}

/**
 * Returns the chain for a URL, by git's rules: every section that covers the URL counts, not only the most specific
 * one, in the order of reading; an empty helper drops the ones before it; the last `useHttpPath` wins.
 */
export function credentialChainFor(url: string, settings: readonly SeenSetting[]): CredentialChain {
  let helpers: SeenSetting[] = [];
  let useHttpPath: SeenSetting | undefined;
  for (const setting of settings) {
    const {section, between, name} = partsOfKey(setting.key);
    if (section !== 'credential' || (name !== 'helper' && name !== 'usehttppath')) continue;
    if (between !== undefined && !coversCredential(between, url)) continue;
    if (name === 'usehttppath') useHttpPath = setting;
    else if (setting.value === '') helpers = [];
    else helpers.push(setting);
  }
  return {helpers, useHttpPath, sendsPath: truthOf(useHttpPath?.value ?? 'false') ?? false};
}

/** The orgkey that a helper line leads to. */
export type OurHelper =
  /** The script, by its absolute path. */
  | {readonly kind: 'script'; readonly path: string}
  /** The script, where git finds it on its path. */
  | {readonly kind: 'name'}
  /** Git's own client on a socket, as in containers. */
  | {readonly kind: 'socket'; readonly path: string};

/** Returns the orgkey that a helper line leads to. `undefined`: it leads to another helper. */
export function ourHelper({value}: Pick<SeenSetting, 'value'>): OurHelper | undefined {
  const written = pathInHelper(value);
  if (written !== undefined) return {kind: 'script', path: written};
  const plain = /^!?(\/[^\s'"$`\\]*\/git-credential-orgkey)$/.exec(value)?.[1];
  if (plain !== undefined) return {kind: 'script', path: plain};
  if (value === 'orgkey') return {kind: 'name'};
  const socket = /^cache\s+(?:.*\s)?--socket[=\s](?:'([^']*)'|(\S+))/.exec(value);
  const path = socket?.[1] ?? socket?.[2];
  return path?.endsWith('/git.sock') === true ? {kind: 'socket', path} : undefined;
}
