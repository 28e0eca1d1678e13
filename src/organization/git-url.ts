import type {Remote} from './remote.ts';
import {isServicesSshHost, parseSshRemote, repositoryAt, toHttpsRemote} from './ssh-remote.ts';
import {decodeOnce} from '../text/decode-once.ts';

/**
 * Takes a URL apart as git does for its helpers: the path is decoded once and has no leading slash, host and scheme
 * stay as they are. `undefined`: git would reject the text.
 */
export function parseGitUrl(url: string): Remote | undefined {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(url)) return undefined;
  const parts = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/([^?#]*))?/i.exec(url);
  if (parts === null) return undefined;
  const [, protocol = '', user, host = '', path] = parts;
  const username = user === undefined ? undefined : decode(user.split(':', 1)[0] ?? '');
  const decoded = path === undefined || path === '' ? undefined : decode(path);
  if ((path && decoded === undefined) || (user && username === undefined)) return undefined;
  return {protocol, host, path: decoded?.replace(/\/+$/, ''), username};
}

/**
 * Takes the address of a feed or of the REST interface apart. A user name in it is that of the tool, and names no
 * organization. `undefined`: no address, or one with an encoded separator, which its server may read differently.
 */
export function parseAddress(address: string): Remote | undefined {
  const remote = /%(?:2f|5c)/i.test(address) ? undefined : parseGitUrl(address);
  return remote && {...remote, protocol: remote.protocol.toLowerCase(), username: undefined};
}

/** Returns the HTTPS remote for a URL over HTTPS or SSH. `undefined`: not a URL of git. */
export function parseRemote(text: string): Remote | undefined {
  const ssh = parseSshRemote(text);
  const repository =
    ssh !== undefined && isServicesSshHost(ssh.host.toLowerCase()) ? repositoryAt(ssh) : undefined;
  return parseGitUrl(repository?.kind === 'repository' ? toHttpsRemote(repository) : text);
}

/** Builds a URL from what was understood, so that a lookalike of a host is never asked. */
export function httpsUrlOf({host, path = ''}: Remote): string {
  return `https://${host.toLowerCase()}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** A name never decodes to a control character. */
function decode(text: string): string | undefined {
  const decoded = decodeOnce(text);
  // eslint-disable-next-line no-control-regex
  return decoded === undefined || /[\u0000-\u001f\u007f]/.test(decoded) ? undefined : decoded;
}
