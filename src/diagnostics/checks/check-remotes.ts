import {Bindings} from '../../identity/bindings.ts';
import {describeOrigin, partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {maskLogins} from '../mask-logins.ts';
import {setUrl} from '../repair-setting.ts';
import type {World} from '../world.ts';

const {warning} = diagnosticsOf('repository');

/** The remotes of the repository here: passwords in them, and organizations in another spelling than git's settings. */
export async function checkRemotes({
  settings,
  loaded,
}: Pick<World, 'settings' | 'loaded'>): Promise<readonly Diagnostic[]> {
  const bindings = loaded.kind === 'loaded' ? loaded.configuration.bindings : [];
  const {isServer} = new Bindings(bindings);
  const spelled = new Map(
    bindings.flatMap(({host, organizations}) =>
      organizations.map((name) => [`${host}/${encodeURIComponent(name)}`.toLowerCase(), name]),
    ),
  );
  return settings.flatMap((setting) => {
    const {section, name} = partsOfKey(setting.key);
    if (section !== 'remote' || (name !== 'url' && name !== 'pushurl')) return [];
    const parts = /^https?:\/\/(?:([^/@]*)@)?([^/]+)(?:\/tfs)?\/([^/]+)/i.exec(setting.value);
    if (parts === null) return [];
    const [, login, host = '', organization = ''] = parts;
    if (!isServer(host.toLowerCase()) && !/^dev\.azure\.com$|\.visualstudio\.com$/i.test(host)) return [];
    return [
      ...(login?.includes(':') === true ? [withPassword(setting)] : []),
      ...otherSpelling(setting, organization, spelled.get(`${host}/${organization}`.toLowerCase())),
    ];
  });
}

/** It wins over every helper, and lies in a file that is no place for it. */
function withPassword(setting: SeenSetting): Diagnostic {
  const {between = ''} = partsOfKey(setting.key);
  return warning(
    'remote',
    `the URL of ${printable(between, 60)} holds a password, which is sent instead of what orgkey has (${describeOrigin(setting)})`,
    `${setUrl(setting, maskLogins(setting.value).replace('…@', ''))}\nand revoke it`,
  );
}

function otherSpelling(
  setting: SeenSetting,
  organization: string,
  configured: string | undefined,
): Diagnostic[] {
  if (configured === undefined || encodeURIComponent(configured) === organization) return [];
  const {between = ''} = partsOfKey(setting.key);
  const url = maskLogins(setting.value)
    .replace('…@', '')
    .replace(organization, encodeURIComponent(configured));
  return [
    warning(
      'spelling',
      `${printable(between, 60)} says ${printable(organization, 60)}, the configuration ${printable(configured, 60)}: git's settings for it compare case`,
      setUrl(setting, url),
    ),
  ];
}
