/** The name of an Azure DevOps organization, in lower case. Only `organizationFrom` makes one. */
export type Organization = string & {readonly brand: 'Organization'};

/**
 * Reads the name of an organization: 1 to 50 letters, digits and hyphens, no hyphen at either end. Case does not matter.
 * Fact 56.
 * @see https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions
 */
export function organizationFrom(text: string): Organization | undefined {
  const lowered = lowerAscii(text);
  return isOrganization(lowered) ? lowered : undefined;
}

function isOrganization(text: string): text is Organization {
  return text.length <= 50 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}

/** Lowers only ASCII, which host and organization names have. `toLowerCase` would turn the Kelvin sign into k. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * Lowers the name of a collection, project or repository, which may have any letters. The Kelvin sign and the dotted
 * capital I, which would become ASCII, stay as they are: a look-alike must not match a configured name.
 */
export function lowerName(text: string): string {
  if (!/[\u212a\u0130]/.test(text)) return text.toLowerCase();
  return text.replace(/[^\u212a\u0130]+/g, (part) => part.toLowerCase());
}
