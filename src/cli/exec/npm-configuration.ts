/** What npm's user configuration must hold for one command. */
interface Wanted {
  /** Parent addresses of registries, without a slash at the end. */
  readonly bases: readonly string[];
  /** Addresses of registries, of which some are below the parents. */
  readonly registries: readonly string[];
  readonly key: '_auth' | '_authToken';
  /** The variable that npm puts in. */
  readonly variable: string;
}

/**
 * Returns a user configuration for npm: the user's own, but with our credentials for these addresses.
 * npm looks for a token under every parent of a registry's address, so one line serves all feeds of an organization, except
 * for `npm publish`, which looks only for the very address. The
 * token itself is in a variable with a plain name: /bin/sh, where it is dash, drops `npm_config_//…`.
 */
export function npmConfiguration(own: string, {bases, registries, key, variable}: Wanted): string {
  const starts = bases.map((base) => base.replace('https:', ''));
  const kept = own.split(/\r?\n/).filter((line) => !isCredential(line, starts));
  while (kept.at(-1) === '') kept.pop();
  const exact = registries
    .filter((one) => starts.some((start) => one.toLowerCase().startsWith(`https:${start}/`.toLowerCase())))
    .map((one) => one.slice('https:'.length).replace(/\/[^/]*$/, ''));
  const ours = [...new Set([...starts, ...exact])].map((place) => `${place}/:${key}=\${${variable}}`);
  return `${[...kept, ...ours].join('\n')}\n`;
}

/** Returns the addresses that the texts of npm's files hold. */
export function addressesIn(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.match(/https:\/\/[^\s"']+/gi) ?? []);
}

/** Of two matching lines, npm takes the one for the longer address: a line of the user could win over ours. */
function isCredential(line: string, starts: readonly string[]): boolean {
  const key = /^\s*"?(?<address>\/\/[^\s"]+):(?:_authToken|_auth|_password|username|tokenHelper)"?\s*=/i.exec(
    line,
  );
  const address = `${key?.groups?.['address'] ?? ''}/`.toLowerCase();
  return starts.some((start) => address.startsWith(`${start}/`.toLowerCase()));
}
