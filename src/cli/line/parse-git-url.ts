import type {Remote} from '../../organization/remote.ts';

/**
 * An https URL as git takes it apart for its helpers: the path without leading slash, decoded once; host and scheme
 * as they are. `undefined`: git would refuse it, or it is none.
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

/** What decodes to a control character is no name. */
function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text);
    // eslint-disable-next-line no-control-regex
    return /[\u0000-\u001f\u007f]/.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}
