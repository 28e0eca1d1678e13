/** Matches a GUID: 8-4-4-4-12 hex digits. */
export const GUID = '[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}';

const WHOLE = new RegExp(`^${GUID}$`);

export function isGuid(text: string): boolean {
  return WHOLE.test(text);
}
