/** Returns a repair in which `orgkey login` names its organization, so that it can be run as it is. */
export function nameInRepair(
  repair: string | undefined,
  organization: string | undefined,
): string | undefined {
  if (organization === undefined || !/^[A-Za-z0-9_][\w.:/-]*$/.test(organization)) return repair;
  if (repair === 'Run orgkey login for the organization.') return `run: orgkey login ${organization}`;
  return repair?.replace(/\borgkey login\b(?! [a-z0-9.-]+$)/, () => `orgkey login ${organization}`);
}
