import {coversUrl} from '../../git/match-url.ts';
import {describeOrigin, partsOfKey, truthOf, type SeenSetting} from '../../git/seen-settings.ts';
import {parseGitVersion, takesBearer, type GitVersion} from '../../git/version.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {maskLogins} from '../mask-logins.ts';
import {takeOut} from '../repair-setting.ts';
import type {Target} from '../target.ts';
import type {World} from '../world.ts';

const {ok, warning, failed} = diagnosticsOf('git');

/** What else in git's configuration keeps credentials of ours from being asked for, or endangers them. */
export async function checkTransport({
  git,
  settings,
  targets,
  environment,
}: Pick<World, 'git' | 'settings' | 'targets' | 'environment'>): Promise<readonly Diagnostic[]> {
  const version = parseGitVersion((await git(['version'])).stdout);
  return [
    ...uniqueByDetail(targets.flatMap((target) => ofTarget(target, settings))),
    ...unverified(environment),
    ...proactive(settings, targets, version),
    ...spellings(settings, targets),
  ];
}

function ofTarget({addresses: [address = ''], name}: Target, settings: readonly SeenSetting[]): Diagnostic[] {
  const url = `${address}/project/_git/repository`;
  const of = (wanted: string) =>
    settings.filter((setting) => {
      const {section, between, name} = partsOfKey(setting.key);
      return section === 'http' && name === wanted && (between === undefined || coversUrl(between, url));
    });
  const found: Diagnostic[] = [];
  // an empty one drops those before it
  const headers = of('extraheader');
  const header = headers
    .slice(headers.findLastIndex(({value}) => value === '') + 1)
    .findLast(({value}) => /^\s*(?:proxy-)?authorization\s*:/i.test(value));
  if (header !== undefined)
    found.push(
      warning(
        'extraHeader',
        `git sends an Authorization of its own, orgkey is not asked (${describeOrigin(header)})`,
        takeOut(header),
      ),
    );
  const verify = of('sslverify').at(-1);
  if (verify !== undefined && truthOf(verify.value) === false)
    found.push(
      failed(
        'sslVerify',
        `git sends tokens to whoever answers: certificates are not checked (${describeOrigin(verify)})`,
        `${takeOut(verify)}\nand name the authority in http.sslCAInfo`,
      ),
    );
  const rewrite = settings.find((setting) => {
    const {section, name} = partsOfKey(setting.key);
    return section === 'url' && name === 'insteadof' && setting.value !== '' && url.startsWith(setting.value);
  });
  const base = rewrite && partsOfKey(rewrite.key).between;
  if (rewrite !== undefined && base !== undefined && !leadsHome(base, address))
    found.push(
      warning(
        'insteadOf',
        `git goes elsewhere for ${printable(name, 60)}: to ${printable(maskLogins(base), 100)} (${describeOrigin(rewrite)})`,
        takeOut(rewrite),
      ),
    );
  return found;
}

function leadsHome(base: string, address: string): boolean {
  return /^https:\/\/[^/@]+(?:\/|$)/.test(base) && new URL(base).host === new URL(address).host;
}

function unverified(environment: World['environment']): Diagnostic[] {
  return environment['GIT_SSL_NO_VERIFY'] === undefined
    ? []
    : [
        failed(
          'GIT_SSL_NO_VERIFY',
          'git sends tokens to whoever answers: certificates are not checked',
          'unset GIT_SSL_NO_VERIFY\nand name the authority in GIT_SSL_CAINFO',
        ),
      ];
}

/** It makes public repositories depend on the helper too: nobody should have it without knowing. */
function proactive(
  settings: readonly SeenSetting[],
  targets: readonly Target[],
  version: GitVersion | undefined,
): Diagnostic[] {
  if (version === undefined || !takesBearer(version)) return [];
  const set = settings.filter(
    ({key, value}) => key.startsWith('http.') && key.endsWith('.proactiveauth') && value !== 'none',
  );
  const wide = set.filter(({key}) => {
    const {between} = partsOfKey(key);
    return between === undefined || targets.some(({host}) => coversUrl(between, `https://${host}/`));
  });
  const narrow = set.length - wide.length;
  return [
    ...wide.map((setting) =>
      warning(
        'proactiveAuth',
        `every repository of the host depends on a credential, public ones of others too (${describeOrigin(setting)})`,
        takeOut(setting),
      ),
    ),
    ...(narrow === 0
      ? []
      : [
          ok(
            'proactiveAuth',
            `public repositories of ${narrow === 1 ? 'one organization' : `${narrow} organizations`} depend on orgkey too; to take it back: orgkey setup --no-proactive-auth`,
          ),
        ]),
  ];
}

/** Paths in these sections match case, organizations do not. */
function spellings(settings: readonly SeenSetting[], targets: readonly Target[]): Diagnostic[] {
  const known = new Map(
    targets.flatMap(({addresses}) => addresses.map((address) => [address.toLowerCase(), address])),
  );
  const other = new Map<string, SeenSetting>();
  for (const setting of settings) {
    const {section, between} = partsOfKey(setting.key);
    if ((section !== 'credential' && section !== 'http') || between === undefined) continue;
    const address = known.get(between.toLowerCase().replace(/\/+$/, ''));
    if (address !== undefined && address !== between.replace(/\/+$/, '')) other.set(between, setting);
  }
  return [...other].map(([between, setting]) =>
    warning(
      'spelling',
      `[${setting.key.split('.', 1)[0] ?? ''} "${printable(maskLogins(between), 100)}"] is not what the configuration calls it, and git compares case here (${describeOrigin(setting)})`,
      `spell it ${known.get(between.toLowerCase().replace(/\/+$/, '')) ?? ''}, in git and in the configuration alike`,
    ),
  );
}

/** What holds for every organization is told once. */
function uniqueByDetail(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((one) => [`${one.title} ${one.detail}`, one])).values()];
}
