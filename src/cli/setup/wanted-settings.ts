import type {Binding} from '../../identity/bindings.ts';
import {addressesOf, directorySpellings} from '../../organization/addresses.ts';
import {helperValue, type Setting} from '../../git/setting.ts';
import {carriesAll, leadingSettings, type OwnGateway} from './own-gateway.ts';

interface Wishes {
  /** Absolute path of `git-credential-orgkey`. */
  readonly helper: string;
  /** The includes for the ssh wrapper in submodules; empty without a submodule key. */
  readonly includes: readonly Setting[];
  /** Whether git sends a credential with its first request (2.46 and later), even beside a header of the caller's. */
  readonly proactiveAuth: boolean;
  /** The gateway for the user's own git, if there is one. */
  readonly gateway?: OwnGateway | undefined;
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
  const {gateway, includes} = wishes;
  return [...settings, ...(gateway === undefined ? [] : settingsForGateway(bindings, gateway)), ...includes];
}

function settingsForHost(host: string, bindings: readonly Binding[], wishes: Wishes): Setting[] {
  const helper = helperValue(wishes.helper);
  // any host: git asks the helpers in their order, the existing ones first
  if (host === '*') return [{key: 'credential.helper', value: helper}];

  const urls = directorySpellings(host).map((one) => `https://${one}`);
  const named = bindings.flatMap(({organizations}) => organizations);
  const spellings = spellingsFor(bindings);
  const hasFallback = bindings.some(({organizations}) => organizations.length === 0);
  return [
    // without a fallback, other organizations must still reach the existing helpers
    ...urls.flatMap((url) => [
      ...(hasFallback ? [reset(url)] : []),
      {key: `credential.${url}.helper`, value: helper},
      {key: `credential.${url}.useHttpPath`, value: 'true'},
    ]),
    ...named
      .flatMap((name) => addressesOf(host, name, spellings))
      .flatMap((one) => settingsForOrganization(one, wishes)),
  ];
}

/** Returns the lines that lead git to the gateway for all that its rule names in full. */
function settingsForGateway(bindings: readonly Binding[], {settings, way}: OwnGateway): Setting[] {
  const spellings = spellingsFor(bindings);
  const addresses = bindings.flatMap(({host, organizations}) =>
    (organizations.length === 0 ? ['*'] : organizations)
      .filter((organization) => carriesAll(settings, {host, organization}))
      .flatMap((name) => (name === '*' ? [`https://${host}`] : addressesOf(host, name, spellings))),
  );
  return leadingSettings(addresses, way);
}

function spellingsFor(bindings: readonly Binding[]) {
  const count = bindings.reduce((sum, {organizations}) => sum + organizations.length, 0);
  return count > MOST_SPELLED ? (name: string) => [name] : undefined;
}

function settingsForOrganization(url: string, {helper, proactiveAuth}: Wishes): Setting[] {
  return [
    reset(url),
    {key: `credential.${url}.helper`, value: helperValue(helper)},
    ...(proactiveAuth ? [{key: `http.${url}.proactiveAuth`, value: 'auto'}] : []),
  ];
}

/** With more organizations, git reads their spellings too slowly. */
const MOST_SPELLED = 100;

/** An empty helper drops the previous ones, for this URL only. */
function reset(url: string): Setting {
  return {key: `credential.${url}.helper`, value: ''};
}
