import type {GatewaySettings} from '../../config/configuration.ts';
import {baseOf, proxyOf, type ClientWay} from '../../gateway/door/client-configuration.ts';
import type {Setting} from '../../git/setting.ts';
import {lowerName} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';

/** The name of the gateway for the user's own git. As long as the configuration has it, `setup` leads git to it. */
export const OWN_GATEWAY = 'own';

/** The gateway for the user's own git, and how git reaches it. */
export interface OwnGateway {
  readonly settings: Pick<GatewaySettings, 'rule'>;
  readonly way: ClientWay;
}

/** An organization or a collection. `*`: all of the host that are not configured by name. */
interface Carried {
  readonly host: string;
  readonly organization: string;
}

/** Returns the pattern for every repository of an organization, as the configuration has it. */
export function patternFor({host, organization}: Carried): string {
  return [...(host === SERVICES_HOST ? [] : [host]), organization, '*', '*'].join('/');
}

/** Whether a gateway carries every repository of an organization: only then git is led there. */
export function carriesAll({rule}: OwnGateway['settings'], {host, organization}: Carried): boolean {
  return rule.repositories.some(
    (pattern) =>
      (pattern.host ?? SERVICES_HOST) === lowerName(host) &&
      [pattern.project, pattern.repository].every((part) => part === '*') &&
      (pattern.organization === '*' || pattern.organization === lowerName(organization)),
  );
}

/** Returns the settings that lead git to a gateway for these base addresses of one host. */
export function leadingSettings(addresses: readonly string[], way: ClientWay): Setting[] {
  const reached = addresses.map((address) => {
    const {host, pathname} = new URL(address);
    return {host, path: pathname.replace(/^\//, '').replace(/(?<=.)$/, '/')};
  });
  const hosts = [...new Set(reached.map(({host}) => host))];
  return [
    ...reached.flatMap(({host, path}) =>
      formsOf(host, path).map((value) => ({key: `url.${baseOf(way, host)}${path}.insteadOf`, value})),
    ),
    ...('socket' in way
      ? hosts.map((host) => ({key: `http.${baseOf(way, host)}.proxy`, value: proxyOf(way.socket)}))
      : []),
    ...('authority' in way && hosts.length > 0 ? settingsForPort(way) : []),
  ];
}

/** Azure DevOps shows addresses with the organization as user name. */
function formsOf(host: string, path: string): readonly string[] {
  const name = path.slice(0, -1);
  const users = host === SERVICES_HOST && path !== '' ? [...new Set([name, name.toLowerCase()])] : [];
  return ['', ...users.map((user) => `${user}@`)].map((user) => `https://${user}${host}/${path}`);
}

function settingsForPort({authority, helper}: Extract<ClientWay, {authority: string}>): readonly Setting[] {
  const key = `credential.http://${authority}.helper`;
  return [
    // a proxy of the environment would get the password
    {key: `http.http://${authority}.proxy`, value: ''},
    {key, value: ''},
    {key, value: helper},
  ];
}
