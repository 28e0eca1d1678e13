/** The name of an Azure DevOps organization, in lower case. Only `organizationFrom` makes one. */
export type Organization = string & {readonly brand: 'Organization'};

/**
 * Letters, digits and hyphens, 1 to 50, no hyphen at either end; compared without case (ASCII only).
 * @see https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions
 */
export function organizationFrom(text: string): Organization | undefined {
  const lowered = lowerAscii(text);
  return isOrganization(lowered) ? lowered : undefined;
}

function isOrganization(text: string): text is Organization {
  return text.length <= 50 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}

/** `toLowerCase` folds the Kelvin sign to k and more: host and organization names know ASCII only. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * Folds a name that may hold any letters: of a server's collection, a project, a repository. Those that would become
 * ASCII ones, the Kelvin sign and the dotted capital I, stay as they are: a look-alike must not be taken for the name
 * that is configured.
 */
export function lowerName(text: string): string {
  return text.replace(/[^\u212a\u0130]+/g, (part) => part.toLowerCase());
}
