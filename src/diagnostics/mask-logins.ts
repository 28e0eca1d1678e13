/** A URL or a setting's name without what stands before the `@` of a host: it may be a password. */
export function maskLogins(text: string): string {
  return text.replaceAll(/(:\/\/)[^/\s"']*@/g, '$1…@');
}
