import {gatewayName} from './socks.ts';

/** How clients reach a gateway. */
interface ClientWay {
  /** The hosts that it serves. */
  readonly hosts: readonly string[];
  /** Organizations of Azure DevOps Services: the other addresses of their repositories lead to the gateway too. */
  readonly organizations: readonly string[];
  /** The path of the socket as the client sees it. */
  readonly socket: string;
}

/**
 * Returns the lines of git's configuration that lead everything to the gateway, submodules and SSH forms too. The host
 * ends in a name that no resolver answers: if the proxy is missing, git fails instead of asking someone else.
 */
export function clientConfiguration({hosts, organizations, socket}: ClientWay): string {
  const lines = ['# Leads git to a gateway of orgkey. Needs git 2.47 or later with libcurl 7.84 or later.'];
  for (const host of hosts) {
    const base = `http://${gatewayName(host)}/`;
    lines.push(`[url "${base}"]`, `\tinsteadOf = https://${host}/`);
    if (host === 'dev.azure.com')
      for (const name of organizations) lines.push(`\tinsteadOf = https://${name}@dev.azure.com/`);
    lines.push(
      `[http "${base}"]`,
      `\tproxy = socks5h://localhost${socket}`,
      '\tproxyAuthMethod = basic',
      '\temptyAuth = false',
    );
  }
  if (hosts.includes('dev.azure.com')) {
    const ssh = `http://${gatewayName('ssh.dev.azure.com')}/v3/`;
    lines.push(
      `[url "${ssh}"]`,
      '\tinsteadOf = git@ssh.dev.azure.com:v3/',
      '\tinsteadOf = ssh://git@ssh.dev.azure.com/v3/',
      '\tinsteadOf = ssh://git@ssh.dev.azure.com:22/v3/',
      `[http "http://${gatewayName('ssh.dev.azure.com')}/"]`,
      `\tproxy = socks5h://localhost${socket}`,
    );
    for (const name of organizations) {
      const own = `http://${gatewayName(`${name}.visualstudio.com`)}/`;
      lines.push(
        `[url "${own}"]`,
        `\tinsteadOf = https://${name}.visualstudio.com/`,
        `[http "${own}"]`,
        `\tproxy = socks5h://localhost${socket}`,
        `[url "${ssh}${name}/"]`,
        `\tinsteadOf = ${name}@vs-ssh.visualstudio.com:v3/${name}/`,
        `\tinsteadOf = ${name}@ssh.dev.azure.com:v3/${name}/`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
