import {Bindings} from '../../identity/bindings.ts';
import {describeOrigin, partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {printable} from '../../text/printable.ts';
import {showAddress} from '../../text/show-address.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {setUrl} from '../repair-setting.ts';
import {targetOfRemote} from '../target.ts';
import type {World} from '../world.ts';
import {decodeOnce} from '../../text/decode-once.ts';

const {warning} = diagnosticsOf('repository');

/** Checks the remotes of this repository: passwords in URLs, and spellings of organizations that git's settings miss. */
export async function checkRemotes({
  settings,
  loaded,
}: Pick<World, 'settings' | 'loaded'>): Promise<readonly Diagnostic[]> {
  const bindings = loaded.kind === 'loaded' ? loaded.configuration.bindings : [];
  const all = new Bindings(bindings);
  return settings.flatMap((setting) => {
    const {section, name} = partsOfKey(setting.key);
    if (section !== 'remote' || (name !== 'url' && name !== 'pushurl')) return [];
    const parts = /^https?:\/\/(?:([^/@]*)@)?([^/]+)\/(.+)/i.exec(setting.value);
    if (parts === null) return [];
    const [, login, host = '', path = ''] = parts;
    const target = targetOfRemote(
      {protocol: 'https', host, path: decoded(path), username: undefined},
      all,
      '',
    );
    if (target === undefined) return [];
    return [
      ...(login?.includes(':') === true ? [withPassword(setting)] : []),
      ...otherSpelling(setting, target.organization, settings),
    ];
  });
}

function decoded(path: string): string {
  return decodeOnce(path) ?? path;
}

/** A password in a URL wins over every helper, and anyone who can read the repository's configuration has it. */
function withPassword(setting: SeenSetting): Diagnostic {
  const {between = ''} = partsOfKey(setting.key);
  return warning(
    'remote',
    `the URL of ${printable(between, 60)} holds a password, which git sends instead of orgkey's credential (${describeOrigin(setting)})`,
    `${setUrl(setting, withoutLogin(setting.value))}\nand revoke the password`,
  );
}

function otherSpelling(
  setting: SeenSetting,
  configured: string,
  settings: readonly SeenSetting[],
): Diagnostic[] {
  const encoded = encodeURIComponent(configured);
  const written = setting.value.split('/').find((segment) => segment.toLowerCase() === encoded.toLowerCase());
  if (written === undefined || written === encoded) return [];
  // setup writes the usual spellings too
  if (settings.some(({key}) => key.startsWith('credential.') && key.endsWith(`/${written}.helper`)))
    return [];
  const {between = ''} = partsOfKey(setting.key);
  const url = withoutLogin(setting.value).replace(`/${written}/`, `/${encoded}/`);
  return [
    warning(
      'spelling',
      `${printable(between, 60)} says ${printable(written, 60)}, the configuration says ${printable(configured, 60)}: git's settings are case-sensitive`,
      setUrl(setting, url),
    ),
  ];
}

/** The URL as it may be shown, or a placeholder if that is not the whole URL. */
function withoutLogin(url: string): string {
  const {shown} = showAddress(url, 'remote');
  const rest = url.slice(url.lastIndexOf('@') + 1).replace(/^https?:\/\//i, '');
  return shown.replace(/^https?:\/\//i, '') === rest ? shown : 'URL';
}
