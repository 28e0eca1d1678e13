import {lowerName, organizationFrom} from './organization.ts';
import {SERVICES_HOST} from './owner.ts';

/** Returns every base address of the repositories of an organization or a collection, in each of the spellings. */
export function addressesOf(
  host: string,
  name: string,
  spellings: (name: string) => readonly string[] = usualSpellings,
): string[] {
  if (host !== SERVICES_HOST) {
    const collections = spellings(name).map((one) => encodeURIComponent(one));
    const servers = host.includes('/') ? directorySpellings(host) : [host, `${host}/tfs`];
    return collections.flatMap((one) => servers.map((server) => `https://${server}/${one}`));
  }
  const organization = organizationFrom(name) ?? name;
  return [
    ...spellings(name).map((one) => `https://${host}/${one}`),
    `https://${organization}.visualstudio.com`,
  ];
}

/** Returns a server as it was written, and in lower case: git compares the case of a virtual directory. */
export function directorySpellings(host: string): string[] {
  return [...new Set([host, lowerName(host)])];
}

/**
 * Returns the usual spellings of a name. Git compares the case of paths, Azure DevOps does not: for another spelling git
 * would ask other helpers first.
 */
function usualSpellings(name: string): readonly string[] {
  const lower = name.toLowerCase();
  const capitalized = lower.slice(0, 1).toUpperCase() + lower.slice(1);
  return [...new Set([name, lower, capitalized, name.toUpperCase()])];
}
