import type {Binding} from '../../identity/bindings.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {lowerName, organizationFrom} from '../../organization/organization.ts';
import {helperValue, type Setting} from '../../git/setting.ts';

interface Wishes {
  /** Absolute path of `git-credential-orgkey`. */
  readonly helper: string;
  /** The includes for the ssh wrapper in submodules; empty without a submodule key. */
  readonly includes: readonly Setting[];
  /** Whether git sends a credential with its first request (2.46 and later), even beside a header of the caller's. */
  readonly proactiveAuth: boolean;
}

/** Returns the settings that git needs for these bindings, in this order. */
export function wantedSettings(bindings: readonly Binding[], wishes: Wishes): Setting[] {
  const hosts = [...new Set(bindings.map(({host}) => host))];
  const settings = hosts.flatMap((host) =>
    settingsForHost(
      host,
      bindings.filter((binding) => binding.host === host),
      wishes,
    ),
  );
  return [...settings, ...wishes.includes];
}

function settingsForHost(host: string, bindings: readonly Binding[], wishes: Wishes): Setting[] {
  const helper = helperValue(wishes.helper);
  // any host: git asks the helpers in their order, the existing ones first
  if (host === '*') return [{key: 'credential.helper', value: helper}];

  const urls = directorySpellings(host).map((one) => `https://${one}`);
  const named = bindings.flatMap(({organizations}) => organizations);
  const spellings = named.length > MOST_SPELLED ? (name: string) => [name] : usualSpellings;
  const hasFallback = bindings.some(({organizations}) => organizations.length === 0);
  return [
    // without a fallback, other organizations must still reach the existing helpers
    ...urls.flatMap((url) => [
      ...(hasFallback ? [reset(url)] : []),
      {key: `credential.${url}.helper`, value: helper},
      {key: `credential.${url}.useHttpPath`, value: 'true'},
    ]),
    ...named
      .flatMap((name) => urlsOf(host, name, spellings))
      .flatMap((one) => settingsForOrganization(one, wishes)),
  ];
}

function settingsForOrganization(url: string, {helper, proactiveAuth}: Wishes): Setting[] {
  return [
    reset(url),
    {key: `credential.${url}.helper`, value: helperValue(helper)},
    ...(proactiveAuth ? [{key: `http.${url}.proactiveAuth`, value: 'auto'}] : []),
  ];
}

/** Returns every base address of the repositories of an organization or a collection. */
function urlsOf(host: string, name: string, spellings: (name: string) => readonly string[]): string[] {
  if (host !== SERVICES_HOST) {
    const collections = spellings(name).map((one) => encodeURIComponent(one));
    const servers = host.includes('/') ? directorySpellings(host) : [host, `${host}/tfs`];
    return collections.flatMap((one) => servers.map((server) => `https://${server}/${one}`));
  }
  const organization = organizationFrom(name) ?? name;
  return [
    ...spellings(name).map((one) => `https://${host}/${one}`),
    `https://${organization}.visualstudio.com`,
  ];
}

/** Returns a server as it was written, and in lower case: git compares the case of a virtual directory. */
function directorySpellings(host: string): string[] {
  return [...new Set([host, lowerName(host)])];
}

/**
 * Returns the usual spellings of a name. Git compares the case of paths, Azure DevOps does not: for another spelling git
 * would ask other helpers first, and they would receive the credential.
 */
function usualSpellings(name: string): readonly string[] {
  const lower = name.toLowerCase();
  const capitalized = lower.slice(0, 1).toUpperCase() + lower.slice(1);
  return [...new Set([name, lower, capitalized, name.toUpperCase()])];
}

/** With more organizations, git reads their spellings too slowly. */
const MOST_SPELLED = 100;

/** An empty helper drops the previous ones, for this URL only. */
function reset(url: string): Setting {
  return {key: `credential.${url}.helper`, value: ''};
}
