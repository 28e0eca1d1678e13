import type {Choice} from '../identity/bindings.ts';
import {describeIdentity, tenantOf, type Identity} from '../identity/identity.ts';
import {connectedTenant, NO_TENANT} from '../organization/connected-tenant.ts';
import type {Owner} from '../organization/owner.ts';
import {describeOwner, nameOf} from '../organization/socket-scope.ts';
import type {Failure} from '../token/acquire.ts';
import {NOT_ACCEPTED} from '../token/find-token.ts';
import type {Answer} from '../protocol/answer.ts';
import type {EraseRequest, GetRequest, StoreRequest} from '../protocol/request.ts';

interface Circumstances {
  readonly owner: Owner;
  readonly choice: Extract<Choice, {kind: 'chosen'}>;
  readonly onFailure: 'quit' | 'pass';
}

/**
 * Says what failed, why, and what repairs it. Git is stopped only where it waits for an answer and the organization is
 * configured by name: a fallback that fails is no reason.
 */
export function explainFailure(
  failure: Failure,
  request: GetRequest | StoreRequest | EraseRequest,
  {owner, choice, onFailure}: Circumstances,
): Extract<Answer, {kind: 'failure'}> {
  const {identity} = choice.binding;
  const who = `${describeOwner(owner)}: ${describeIdentity(identity)}`;
  const challenges = 'challenges' in request ? request.challenges : [];
  const tenant = owner.kind === 'organization' ? connectedTenant(challenges) : undefined;
  const hints = [
    failure.hint,
    tenant && adviseOnTenant(tenant, identity, failure),
    `run: orgkey doctor ${argumentFor(owner)}`.trimEnd(),
  ];
  return {
    kind: 'failure',
    errors: [`${who}: ${failure.message} (${failure.code})`],
    hints: hints.filter((hint) => hint !== undefined),
    quit: request.operation === 'get' && choice.by === 'name' && onFailure === 'quit',
  };
}

/** Where the organization is connected to another tenant than the identity asks, that is what must be mended first. */
function adviseOnTenant(theirs: string, identity: Identity, {code}: Failure): string | undefined {
  if (identity.kind === 'pat') return undefined;
  if (theirs === NO_TENANT)
    return 'The organization is connected to no tenant: only personal access tokens work there.';
  const ours = tenantOf(identity);
  if (ours === theirs) return undefined;
  if (ours !== undefined)
    return `The organization is connected to the tenant ${theirs}, and this identity is of ${ours}: set tenantId: ${theirs}, where an app must be known too (multitenant).`;
  // whose tenant is not configured may be in the right one
  return code === NOT_ACCEPTED
    ? `The organization is connected to the tenant ${theirs}: see that the identity is in it; a managed identity works in its own tenant only.`
    : undefined;
}

/**
 * Nobody acts for the owner, so git asks its next helper. Where that is because no configuration is in force, it is
 * told why: then nobody could be named, and git may not be stopped.
 */
export function explainAbsence(reason: string, owner: Owner, trouble: string | undefined): Answer {
  const mayBeMeant = owner.kind === 'organization' || owner.kind === 'unnamed';
  if (trouble === undefined || !mayBeMeant) return {kind: 'pass', reason};
  const errors = [`no configuration is in force: ${trouble}`];
  return {kind: 'failure', errors, hints: ['run: orgkey config check'], quit: false};
}

/** The hint is there to be copied into a shell: a name that means something there is left out. */
function argumentFor(owner: Owner): string {
  const name = nameOf(owner) ?? '';
  return /^[A-Za-z0-9_][\w.-]*$/.test(name) ? name : '';
}
