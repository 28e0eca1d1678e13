import type {Binding} from '../../identity/bindings.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {organizationFrom} from '../../organization/organization.ts';
import {helperValue, type Setting} from '../../git/setting.ts';

interface Wishes {
  /** Absolute path of `git-credential-orgkey`. */
  readonly helper: string;
  /** What leads git to the ssh wrapper in submodules; empty where no submodule key is configured. */
  readonly includes: readonly Setting[];
  /** The first request of the configured organizations carries the credential (git 2.46 and later). */
  readonly proactiveAuth: boolean;
}

/** What git's configuration has to hold for these bindings, in this order. */
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
  // any host: the helpers that are there already are asked first, as git does with several
  if (host === '*') return [{key: 'credential.helper', value: helper}];

  const url = `https://${host}`;
  const named = bindings.flatMap(({organizations}) => organizations);
  const hasFallback = bindings.some(({organizations}) => organizations.length === 0);
  return [
    // without a fallback, organizations that we don't know must still reach the helpers from before
    ...(hasFallback ? [reset(url)] : []),
    {key: `credential.${url}.helper`, value: helper},
    {key: `credential.${url}.useHttpPath`, value: 'true'},
    ...named.flatMap((name) => urlsOf(host, name)).flatMap((one) => settingsForOrganization(one, wishes)),
  ];
}

function settingsForOrganization(url: string, {helper, proactiveAuth}: Wishes): Setting[] {
  return [
    reset(url),
    {key: `credential.${url}.helper`, value: helperValue(helper)},
    ...(proactiveAuth ? [{key: `http.${url}.proactiveAuth`, value: 'auto'}] : []),
  ];
}

/** Every base under which the organization's (or the server's collection's) repositories lie. */
function urlsOf(host: string, name: string): string[] {
  if (host !== SERVICES_HOST) {
    const collection = encodeURIComponent(name);
    return [`https://${host}/${collection}`, `https://${host}/tfs/${collection}`];
  }
  const organization = organizationFrom(name) ?? name;
  return [`https://${host}/${name}`, `https://${organization}.visualstudio.com`];
}

/** An empty helper drops those from before, for this URL only. */
function reset(url: string): Setting {
  return {key: `credential.${url}.helper`, value: ''};
}
