import {decodeOnce} from './decode-once.ts';

/** What of an address may be shown, and what was left out of it. */
interface ShownAddress {
  readonly shown: string;
  /** Every part that was left out and may be a secret, for the redaction of other texts. */
  readonly hidden: readonly string[];
}

/**
 * `server`: scheme, host and port, as for a proxy or an endpoint.
 * `remote`: also organization, project and repository, if the path has a form of Azure DevOps.
 */
type AddressKind = 'server' | 'remote';

/** Replaces an address of which no part is known to be harmless. */
export const HIDDEN = '[hidden]';

/**
 * Returns the parts of an address that are known to be harmless. A login, a query and any other path are left out.
 * A login ends at the last `@`: passwords may hold `@`, `/` and `\`, which URL parsers take for the host's end.
 */
export function showAddress(address: string, kind: AddressKind): ShownAddress {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(address)?.[0] ?? '';
  const rest = address.slice(scheme.length);
  const end = /[?#]/.exec(rest)?.index ?? rest.length;
  const login = rest.slice(0, rest.lastIndexOf('@') + 1);
  // the `?` may be part of a password, and the `@` part of a query: both readings show too much
  if (login.length > end) return {shown: HIDDEN, hidden: partsOf(rest)};
  const [authority, path] = cut(rest.slice(login.length, end), scheme);
  const shown = isAuthority(authority)
    ? `${scheme || (kind === 'server' ? 'http://' : '')}${authority}${kind === 'server' ? '' : harmless(authority, path)}`
    : HIDDEN;
  const left = shown.endsWith(path) ? [] : [path, path.slice(1)];
  const hidden = [...partsOf(login.slice(0, -1)), ...left, ...partsOf(rest.slice(end))];
  return {shown, hidden: shown === HIDDEN ? partsOf(rest) : hidden.filter((part) => !shown.includes(part))};
}

/** Host and path. Without a scheme a colon that is not a port's separates them: `git@host:path`. */
function cut(text: string, scheme: string): readonly [authority: string, path: string] {
  const short = scheme === '' ? /^([^/\\:]+)(:(?![0-9]+(?:\/|$)).*)$/s.exec(text) : null;
  const [, authority = '', path = ''] = short ?? /^([^/\\]*)(.*)$/s.exec(text) ?? [];
  return [authority, path];
}

function isAuthority(text: string): boolean {
  const [, port = '0'] = /^(?:[\w*][\w*.-]*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/i.exec(text) ?? [
    text,
    '65536',
  ];
  return Number(port) <= 65_535;
}

/** The part of a path that names organization, project and repository. */
function harmless(authority: string, path: string): string {
  const host = authority.toLowerCase().replace(/:[0-9]+$/, '');
  const isServices = /^(?:.*\.)?(?:dev\.azure\.com|visualstudio\.com)$/.test(host);
  const repository = /^\/(?:[^/\\:;=&]+\/){0,4}_git\/(?:_(?:optimized|full)\/)?[^/\\:;=&]+(?=\/|$)/.exec(
    path,
  );
  const ssh = /^[:/]v3(?:\/[^/\\:;=&]+){1,3}(?=\/|$)/.exec(path);
  const organization = /^\/[^/\\:;=&]+(?:\/[^/\\:;=&]+)?(?=\/|$)/.exec(path);
  const found = (repository ?? (isServices ? (ssh ?? organization) : null))?.[0] ?? '';
  return path === `${found}/` ? path : found;
}

/** The text, and the words of it, decoded too. */
function partsOf(text: string): string[] {
  const words = text.split(/[:@/\\?#&=]/);
  const credentials = text.slice(text.indexOf(':') + 1);
  return [text, credentials, ...words]
    .flatMap((part) => [part, decodeOnce(part) ?? part])
    .filter((part) => part !== '');
}
