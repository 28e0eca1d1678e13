import {coversCredential} from './match-url.ts';
import {partsOfKey, truthOf, type SeenSetting} from './seen-settings.ts';
import {pathInHelper} from './setting.ts';

/** What git does to get a credential for one URL. */
export interface CredentialChain {
  /** In the order in which git asks them. */
  readonly helpers: readonly SeenSetting[];
  /** The setting by which git sends the path along, or does not. `undefined`: nothing says so, and it does not. */
  readonly useHttpPath: SeenSetting | undefined;
  readonly sendsPath: boolean;
}

/**
 * As git itself puts it together: every section that covers the URL counts, in the order of reading, not only the
 * closest; an empty helper drops those before it; the last `useHttpPath` wins.
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

/** Which orgkey a helper line leads to; `undefined`: to none. */
export type OurHelper =
  /** The script, by its absolute path. */
  | {readonly kind: 'script'; readonly path: string}
  /** The script, wherever git finds it. */
  | {readonly kind: 'name'}
  /** Git's own client on a socket, as in containers. */
  | {readonly kind: 'socket'; readonly path: string};

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
