import {coversUrl} from '../../git/match-url.ts';
import {describeHeader, ownHeaderFor} from '../../git/own-header.ts';
import {isOwnFile} from '../../git/own-file.ts';
import {
  describeOrigin,
  partsOfKey,
  truthOf,
  type SeenSetting,
  fileOf,
  httpSettings,
} from '../../git/seen-settings.ts';
import {parseGitVersion, takesBearer, type GitVersion} from '../../git/version.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {printable} from '../../text/printable.ts';
import {showAddress} from '../../text/show-address.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {isGatewayAddress} from '../gateway-address.ts';
import {takeOut} from '../repair-setting.ts';
import type {Target} from '../target.ts';
import type {World} from '../world.ts';
import type {Environment} from '../../text/environment.ts';

const {ok, warning, failed} = diagnosticsOf('git');

/** Finds settings of git that bypass orgkey or endanger its credentials. */
export async function checkTransport({
  git,
  settings,
  targets,
  environment,
  directory,
}: Pick<World, 'git' | 'settings' | 'targets' | 'environment' | 'directory'>): Promise<
  readonly Diagnostic[]
> {
  const version = parseGitVersion((await git(['version'])).stdout);
  const headers = targets.flatMap((target) => findHeaders(target, settings, version));
  return [
    ...uniqueByDetail([
      ...(await Promise.all(headers.map((header) => reportHeader(header, directory)))),
      ...targets.flatMap((target) => checkTarget(target, settings)),
    ]),
    ...unverified(environment),
    ...proactive(settings, targets, version),
    ...spellings(settings, targets),
  ];
}

function checkTarget(
  {addresses: [address = ''], name}: Target,
  settings: readonly SeenSetting[],
): Diagnostic[] {
  const url = `${address}/project/_git/repository`;
  const found: Diagnostic[] = [];
  const verify = httpSettings('sslverify', url, settings).at(-1);
  if (verify !== undefined && truthOf(verify.value) === false)
    found.push(
      failed(
        'sslVerify',
        `git does not check certificates, so any server may receive the tokens (${describeOrigin(verify)})`,
        `${takeOut(verify)}\nand set http.sslCAInfo to the file with your certificate authority`,
      ),
    );
  const rewrite = settings.find(({key, value}) => {
    const parts = partsOfKey(key);
    return parts.section === 'url' && parts.name === 'insteadof' && value !== '' && url.startsWith(value);
  });
  const base = rewrite && partsOfKey(rewrite.key).between;
  if (rewrite !== undefined && base !== undefined && !leadsHome(base, address) && !isGatewayAddress(base))
    found.push(
      warning(
        'insteadOf',
        `git uses another address for ${printable(name, 60)}: ${printable(showAddress(base, 'remote').shown, 100)} (${describeOrigin(rewrite)})`,
        takeOut(rewrite),
      ),
    );
  return found;
}

/** Returns a URL that stands for any repository, the one that was named, and those of the remotes of this clone. */
function urlsOf(
  {addresses, repository, host, organization}: Target,
  settings: readonly SeenSetting[],
): Set<string> {
  const named = [
    `${host}/${encodeURIComponent(organization)}/`,
    `${host}/tfs/${encodeURIComponent(organization)}/`,
  ];
  if (host === SERVICES_HOST) named.push(`${organization}.visualstudio.com/`);
  const remotes = settings.flatMap(({key, value}) => {
    const {section, name} = partsOfKey(key);
    if (section !== 'remote' || (name !== 'url' && name !== 'pushurl')) return [];
    const rest = /^https:\/\/(?:[^/]*@)?(.*)$/i.exec(value)?.[1]?.toLowerCase();
    return named.some((one) => rest?.startsWith(one.toLowerCase()) === true) ? [value] : [];
  });
  return new Set([
    `${addresses[0] ?? ''}/project/_git/repository`,
    ...(repository === undefined ? [] : [repository]),
    ...remotes,
  ]);
}

interface FoundHeader {
  readonly header: SeenSetting;
  /** The setting because of which git also sends orgkey's. */
  readonly early: SeenSetting | undefined;
}

/** An Authorization header of the caller's own replaces orgkey's credential; with proactiveAuth git sends both. Fact 82. */
function findHeaders(
  target: Target,
  settings: readonly SeenSetting[],
  version: GitVersion | undefined,
): FoundHeader[] {
  return [...urlsOf(target, settings)].flatMap((url) => {
    const header = ownHeaderFor(url, settings);
    if (header === undefined) return [];
    const early = mostSpecific(httpSettings('proactiveauth', url, settings));
    const sendsBoth = version !== undefined && takesBearer(version) && early?.value !== 'none';
    return [{header, early: sendsBoth ? early : undefined}];
  });
}

async function reportHeader({header, early}: FoundHeader, directory: string): Promise<Diagnostic> {
  const where = await describeHeader(header, directory);
  if (early !== undefined)
    return failed(
      'extraHeader',
      `git sends two Authorization headers, which servers reject: its own (${where}), and orgkey's because of proactiveAuth (${describeOrigin(early)})`,
      isOwnFile(fileOf(early)) ? 'orgkey setup' : takeOut(early),
    );
  return warning(
    'extraHeader',
    `git sends its own Authorization header and does not ask orgkey (${where})`,
    takeOut(header),
  );
}

function length({key}: SeenSetting): number {
  return partsOfKey(key).between?.replace(/\/+$/, '').length ?? 0;
}

/** Returns the setting that counts: git takes the longest URL, and of equal ones the last. */
function mostSpecific(settings: readonly SeenSetting[]): SeenSetting | undefined {
  return settings.reduce<SeenSetting | undefined>(
    (best, one) => (best === undefined || length(one) >= length(best) ? one : best),
    undefined,
  );
}

function leadsHome(base: string, address: string): boolean {
  return /^https:\/\/[^/@]+(?:\/|$)/.test(base) && new URL(base).host === new URL(address).host;
}

function unverified(environment: Environment): Diagnostic[] {
  return environment['GIT_SSL_NO_VERIFY'] === undefined
    ? []
    : [
        failed(
          'GIT_SSL_NO_VERIFY',
          'git does not check certificates, so any server may receive the tokens',
          'unset GIT_SSL_NO_VERIFY\nand set GIT_SSL_CAINFO to the file with your certificate authority',
        ),
      ];
}

/** Reports proactiveAuth: with it, git asks for credentials for public repositories too. */
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
        `git needs a credential for every repository of the host, even for public ones (${describeOrigin(setting)})`,
        takeOut(setting),
      ),
    ),
    ...(narrow === 0
      ? []
      : [
          ok(
            'proactiveAuth',
            `public repositories of ${narrow === 1 ? 'one organization' : `${narrow} organizations`} need orgkey too; to undo: orgkey setup`,
          ),
        ]),
  ];
}

/** Finds sections that miss an organization by case: git compares the case of these paths, Azure DevOps does not. */
function spellings(settings: readonly SeenSetting[], targets: readonly Target[]): Diagnostic[] {
  const known = new Map(
    targets.flatMap(({addresses}) => addresses.map((address) => [address.toLowerCase(), address])),
  );
  const other = new Map<string, SeenSetting>();
  for (const setting of settings) {
    const {section, between} = partsOfKey(setting.key);
    if ((section !== 'credential' && section !== 'http') || between === undefined) continue;
    // setup writes the usual spellings itself
    if (isOwnFile(fileOf(setting))) continue;
    const address = known.get(between.toLowerCase().replace(/\/+$/, ''));
    if (address !== undefined && address !== between.replace(/\/+$/, '')) other.set(between, setting);
  }
  return [...other].map(([between, setting]) =>
    warning(
      'spelling',
      `[${setting.key.split('.', 1)[0] ?? ''} "${printable(showAddress(between, 'remote').shown, 100)}"] differs in case from the configuration, and git compares case here (${describeOrigin(setting)})`,
      `spell it ${known.get(between.toLowerCase().replace(/\/+$/, '')) ?? ''}, both in git's settings and in the configuration`,
    ),
  );
}

/** Keeps one of several equal diagnostics for different organizations. */
function uniqueByDetail(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((one) => [`${one.title} ${one.detail}`, one])).values()];
}
