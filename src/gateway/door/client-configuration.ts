import {hostnameOf} from '../../organization/owner.ts';
import type {Rule} from '../rule/rule.ts';
import {gatewayName} from './socks.ts';

export type ClientWay =
  | {
      /** The path of the socket as the client sees it. */
      readonly socket: string;
    }
  | {
      /** `127.0.0.1:PORT` or `localhost:PORT`. */
      readonly authority: string;
      /** The credential helper that asks for the password, as a value for git. */
      readonly helper: string;
    };

interface Reach {
  /** The hosts that it serves. */
  readonly hosts: readonly string[];
  /** Organizations of Azure DevOps Services: the other addresses of their repositories lead to the gateway too. */
  readonly organizations: readonly string[];
}

/** Returns what the rule of a gateway can reach: its hosts, and the organizations that it names in full. */
export function reachOf({repositories}: Pick<Rule, 'repositories'>): Reach {
  const hosts = new Set(repositories.map(({host}) => (host === undefined ? SERVICES : hostnameOf(host))));
  const organizations = repositories.flatMap(({host, organization}) =>
    host === undefined && !organization.includes('*') ? [organization] : [],
  );
  return {hosts: [...hosts], organizations: [...new Set(organizations)]};
}

/** Lets git ask for the password of a port. */
function withPassword({authority, helper}: Extract<ClientWay, {authority: string}>): string[] {
  const ask = `\thelper = ${quoted(helper)}`;
  return [
    `[http "http://${authority}"]`,
    // a proxy of the environment would get the password
    '\tproxy =',
    `[credential "http://${authority}"]`,
    '\thelper =',
    ask,
    ...(authority.startsWith('localhost:')
      ? ['# Of Cargo, which looks for a helper without the port', '[credential "http://localhost"]', ask]
      : []),
  ];
}

/**
 * Returns the lines of git's configuration that lead everything to the gateway, submodules and SSH forms too. With a
 * socket, the host ends in a name that no resolver answers: without the proxy git fails and asks no other server.
 */
export function clientConfiguration({hosts, organizations}: Reach, way: ClientWay): string {
  const lines = [
    'socket' in way
      ? '# Leads git to a gateway of orgkey. Needs git 2.47 or later with libcurl 7.84 or later.'
      : '# Leads git to a gateway of orgkey over TCP. Git asks its credential helper for the password.',
    ...hosts.flatMap((host) => {
      const users = host === SERVICES ? organizations.map((name) => `https://${name}@${host}/`) : [];
      return leads(way, host, [`https://${host}/`, ...users]);
    }),
  ];
  if ('authority' in way) lines.push(...withPassword(way));
  if (!hosts.includes(SERVICES)) return `${lines.join('\n')}\n`;
  lines.push(
    ...leads(way, SSH, []),
    `[url "${baseOf(way, SSH)}v3/"]`,
    ...sshForms(`git@${SSH}`).map((form) => `\tinsteadOf = ${form}v3/`),
    ...organizations.flatMap((name) => [
      `[url "${baseOf(way, SSH)}v3/${name}/"]`,
      ...[SSH, OLD_SSH].flatMap((host) =>
        sshForms(`${name}@${host}`).map((form) => `\tinsteadOf = ${form}v3/${name}/`),
      ),
      ...leads(way, `${name}.visualstudio.com`, [
        `https://${name}.visualstudio.com/`,
        ...sshForms(`${name}@${OLD_SSH}`),
      ]),
    ]),
  );
  return `${lines.join('\n')}\n`;
}

/** The lines that lead some addresses to one host behind the gateway. */
function leads(way: ClientWay, host: string, addresses: readonly string[]): string[] {
  const base = baseOf(way, host);
  const proxy = 'socket' in way ? [`[http "${base}"]`, `\tproxy = ${proxyOf(way.socket)}`] : [];
  return [
    ...(addresses.length === 0 ? [] : [`[url "${base}"]`]),
    ...addresses.map((address) => `\tinsteadOf = ${address}`),
    ...proxy,
  ];
}

/** Returns how git names a socket as its proxy. */
export function proxyOf(socket: string): string {
  return `socks5h://localhost${socket.split('/').map(encodeURIComponent).join('/')}`;
}

/** Returns the address under which a client reaches a real host. */
export function baseOf(way: ClientWay, host: string): string {
  return 'socket' in way ? `http://${gatewayName(host)}/` : `http://${way.authority}/${host}/`;
}

function quoted(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
}

const SERVICES = 'dev.azure.com';
const SSH = 'ssh.dev.azure.com';
const OLD_SSH = 'vs-ssh.visualstudio.com';

/** Returns the beginnings of the addresses over SSH of one user at one host. */
function sshForms(destination: string): readonly string[] {
  return [`${destination}:`, `ssh://${destination}/`, `ssh://${destination}:22/`];
}
