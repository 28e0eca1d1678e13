import type {Configuration} from '../../config/configuration.ts';
import {
  removeOrganization,
  setOrganization,
  type OrganizationEdit,
  type RuleOwner,
} from '../../config/edit/edit-organizations.ts';
import {lowerName} from '../../organization/organization.ts';
import {SERVICES_HOST, shownName} from '../../organization/owner.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {type NamedOrganization} from '../organizations/named-organization.ts';
import {starterCredential, type StarterOptions} from './starter-configuration.ts';

/** What an edit did to the credential of an organization, or of the rest of a host. */
export interface RuleChange {
  readonly owner: RuleOwner;
  readonly change: 'added' | 'changed' | 'removed';
}

/** Returns the text with these credentials. @throws {CommandError} if it has a form that we cannot change safely. */
export function withCredentials(
  text: string,
  starters: readonly StarterOptions[],
  context: Pick<Context, 'environment'>,
): {readonly text: string; readonly changes: readonly RuleChange[]} {
  let next = text;
  const changes: RuleChange[] = [];
  for (const starter of starters) {
    const credential = starterCredential(starter, context);
    const {fields} = credential;
    for (const owner of ownersOf(credential)) {
      const edit = setOrganization(next, owner, fields);
      if (edit.kind !== 'text') throw unfit(owner, `{${byHand(owner, fields)}}`);
      next = edit.text;
      if (edit.change !== 'none') changes.push({owner, change: edit.change});
    }
  }
  return {text: next, changes};
}

/** Returns what a new file with these credentials has. What it copies from another file is not known here. */
export function addedBy(
  starters: readonly StarterOptions[],
  context: Pick<Context, 'environment'>,
): readonly RuleChange[] {
  return starters
    .filter(({from}) => from === undefined)
    .flatMap((starter) => ownersOf(starterCredential(starter, context)))
    .map((owner) => ({owner, change: 'added'}));
}

function ownersOf({
  host,
  organizations,
}: Pick<ReturnType<typeof starterCredential>, 'host' | 'organizations'>): readonly RuleOwner[] {
  if (organizations.length === 0) return [{host, organization: undefined}];
  return organizations.map((organization) => ({host, organization}));
}

/** Returns the text without these organizations. @throws {CommandError} if one is not there, or cannot be removed. */
export function withoutOrganizations(
  text: string,
  named: readonly NamedOrganization[],
  explainAbsence: (named: NamedOrganization) => CommandError,
): {readonly text: string; readonly changes: readonly RuleChange[]} {
  let next = text;
  const changes: RuleChange[] = [];
  for (const owner of named) {
    const edit: OrganizationEdit = removeOrganization(next, owner);
    if (edit.kind === 'absent') throw explainAbsence(owner);
    if (edit.kind === 'unfit') throw unfit(owner, undefined);
    next = edit.text;
    changes.push({owner, change: 'removed'});
  }
  return {text: next, changes};
}

/** Whether the options only name organizations, and all of them have a credential of their own. */
export function isConfigured(
  {organization = [], host = SERVICES_HOST, ...others}: StarterOptions,
  {bindings}: Configuration,
): boolean {
  if (organization.length === 0 || others['client-id'] !== undefined || others['tenant-id'] !== undefined)
    return false;
  return organization.every((name) => isNamed({host, organization: name}, bindings));
}

/** Whether a credential names the organization. */
export function isNamed(
  {host, organization}: NamedOrganization,
  bindings: Configuration['bindings'],
): boolean {
  return bindings.some(
    (binding) =>
      binding.host === host &&
      binding.organizations.some((name) => lowerName(name) === lowerName(organization)),
  );
}

export function describeRuleChange({owner, change}: RuleChange, path: string): string {
  return `configuration: ${change} ${describeOwner(owner)} in ${printable(path)}`;
}

export function describeOwner({host, organization}: RuleOwner): string {
  return printable(organization === undefined ? `the rest of ${host}` : shownName({host, organization}), 80);
}

function byHand({organization}: RuleOwner, fields: readonly string[]): string {
  const names = organization === undefined ? [] : [`organizations: [${organization}]`];
  return [...names, ...fields].join(', ');
}

function unfit(owner: RuleOwner, rule: string | undefined): CommandError {
  return new CommandError(
    EXIT.badConfiguration,
    `the configuration was not changed: its form does not allow a safe change for ${describeOwner(owner)}`,
    {
      hint:
        rule === undefined
          ? 'remove it by hand: orgkey config edit'
          : `add it by hand with orgkey config edit: ${printable(rule, 300)}`,
    },
  );
}
