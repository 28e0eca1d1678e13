import {lowerName} from '../../organization/organization.ts';

/** Returns the name of a collection in lower case. Collections may hold spaces, dots and underscores. */
export function collectionFrom(text: string): string | undefined {
  if (text === '' || text === '.' || text === '..' || text.length > 64) return undefined;
  return /[\p{Cc}/\\:*?"<>|;#$]/u.test(text) ? undefined : lowerName(text);
}
