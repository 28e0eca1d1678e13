import {decodeOnce} from '../text/decode-once.ts';

/**
 * Whether the pattern in `[credential "…"]` or `[http "…"]` covers a URL, by git's rules: same scheme, same host with
 * `*` for one label, same port, a prefix of the path that ends at a slash, case-sensitive, and the user name if the
 * pattern has one.
 * @see https://git-scm.com/docs/git-config#Documentation/git-config.txt-httplturlgt
 */
export function coversUrl(pattern: string, url: string): boolean {
  const wanted = takeApart(pattern);
  const given = takeApart(url);
  if (wanted === undefined || given === undefined) return false;
  if (wanted.scheme !== given.scheme || wanted.port !== given.port) return false;
  if (wanted.user !== undefined && wanted.user !== given.user) return false;
  return coversHost(wanted.host, given.host) && coversPath(wanted.path, given.path);
}

/** The same for `[credential "…"]` only, where git also takes partial URLs, `dev.azure.com` or `https://`. */
export function coversCredential(pattern: string, url: string): boolean {
  if (takeApart(pattern) !== undefined) return coversUrl(pattern, url);
  const given = takeApart(url);
  const partial = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^@/]*)@)?([^/]*)(?:\/(.*))?$/i.exec(pattern);
  if (given === undefined || partial === null) return false;
  const [, scheme, user, host, path] = partial;
  const rest = path === undefined ? undefined : path.replace(/\/+$/, '');
  return (
    (scheme === undefined || scheme === given.scheme) &&
    (user === undefined || decodeOnce(user) === given.user) &&
    (!host || host === given.authority) &&
    (!rest || `/${decodeOnce(rest)}` === given.path)
  );
}

interface Parts {
  readonly scheme: string;
  readonly user: string | undefined;
  readonly host: string;
  readonly port: string;
  /** Host and port as they are written. */
  readonly authority: string;
  /** Starts with a slash, does not end with one; decoded once. */
  readonly path: string;
}

function takeApart(url: string): Parts | undefined {
  const found =
    /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/]*)@)?([^/:?#[\]]+|\[[0-9a-f:.]+\])(?::([0-9]*))?(\/[^?#]*)?$/i.exec(
      url,
    );
  if (found === null) return undefined;
  const [, scheme = '', login, host = '', port = '', path = '/'] = found;
  const decoded = decodeOnce(path);
  if (decoded === undefined) return undefined;
  const lower = scheme.toLowerCase();
  return {
    scheme: lower,
    user: login === undefined ? undefined : decodeOnce(login.split(':', 1)[0] ?? ''),
    host: host.toLowerCase(),
    port: port === '' ? (STANDARD_PORTS[lower] ?? '') : String(Number(port)),
    authority: port === '' ? host : `${host}:${port}`,
    path: withoutDots(decoded),
  };
}

const STANDARD_PORTS: Readonly<Record<string, string>> = {https: '443', http: '80'};

function coversHost(wanted: string, given: string): boolean {
  const labels = wanted.split('.');
  const others = given.split('.');
  return (
    labels.length === others.length && labels.every((label, at) => label === '*' || label === others[at])
  );
}

function coversPath(wanted: string, given: string): boolean {
  return wanted === '/' || given === wanted || given.startsWith(`${wanted}/`);
}

function withoutDots(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`.replace(/\/+$/, '') || '/';
}
