import type {Choice} from '../identity/bindings.ts';
import {describeIdentity, tenantOf, type Identity} from '../identity/identity.ts';
import {CLAIMS_CHALLENGE, explainClaimsChallenge} from '../identity/claims-challenge.ts';
import {repairTenant} from '../identity/repair-tenant.ts';
import {connectedTenant, NO_TENANT} from '../organization/connected-tenant.ts';
import type {Owner} from '../organization/owner.ts';
import {describeOwner, nameOf} from '../organization/socket-scope.ts';
import type {Failure} from '../token/acquire.ts';
import {nameInRepair} from '../text/name-in-repair.ts';
import {printable} from '../text/printable.ts';
import {NOT_ACCEPTED} from '../token/find-token.ts';
import type {Answer} from '../protocol/answer.ts';
import type {EraseRequest, GetRequest, StoreRequest} from '../protocol/request.ts';

interface Circumstances {
  readonly owner: Owner;
  readonly choice: Extract<Choice, {kind: 'chosen'}>;
  readonly onFailure: 'quit' | 'pass';
}

/**
 * Explains what failed, why, and how to repair it. Stops git only if it waits for a credential and the organization is
 * configured by name, not by a fallback.
 */
export function explainFailure(
  failure: Failure,
  request: GetRequest | StoreRequest | EraseRequest,
  {owner, choice, onFailure}: Circumstances,
): Extract<Answer, {kind: 'failure'}> {
  const {identity} = choice.binding;
  const who = `${describeOwner(owner)}: ${describeIdentity(identity)}`;
  const challenges = 'challenges' in request ? request.challenges : [];
  const {code, message, hint} = withChallenge(failure, challenges, identity.kind);
  const tenant = owner.kind === 'organization' ? connectedTenant(challenges) : undefined;
  // a user who has not signed in needs only this
  const isSignedOut = code === 'ERR_NOT_SIGNED_IN';
  // a machine's metadata service is away for a minute, several times a year: that stops no git
  const isPassing = code === 'ERR_METADATA_UPDATING';
  const hints = [
    nameInRepair(hint, owner.kind === 'server' ? describeOwner(owner) : nameOf(owner)),
    tenant && adviseOnTenant(tenant, identity, failure),
    isSignedOut ? undefined : `run: orgkey doctor ${argumentFor(owner)}`.trimEnd(),
  ];
  return {
    kind: 'failure',
    errors: [`${who}: ${message} (${code})`],
    hints: hints.filter((line) => line !== undefined),
    quit: request.operation === 'get' && choice.by === 'name' && onFailure === 'quit' && !isPassing,
  };
}

/** A challenge that git saw may say that a policy is the reason. */
function withChallenge(
  failure: Failure,
  challenges: readonly string[],
  kind: Identity['kind'],
): Pick<Failure, 'code' | 'message' | 'hint'> {
  const ended = failure.code === NOT_ACCEPTED ? explainClaimsChallenge(challenges, kind) : undefined;
  if (ended === undefined) return failure;
  return {code: CLAIMS_CHALLENGE, message: printable(ended.message, 300), hint: ended.repair};
}

/** If the organization is connected to another tenant than the identity's, that must be repaired first. */
function adviseOnTenant(theirs: string, identity: Identity, {code}: Failure): string | undefined {
  if (identity.kind === 'pat') return undefined;
  if (theirs === NO_TENANT)
    return 'The organization uses Microsoft accounts: orgkey can use only personal access tokens there.';
  const ours = tenantOf(identity);
  if (ours === theirs) return undefined;
  if (ours !== undefined)
    return `The organization is connected to the tenant ${theirs}, and this identity is of ${ours}: ${repairTenant(identity, theirs).replace('\n', ' ')}`;
  // without a configured tenant, the identity may be in the right one
  return code === NOT_ACCEPTED
    ? `The organization is connected to the tenant ${theirs}: see that the identity is in it; a managed identity works in its own tenant only.`
    : undefined;
}

/**
 * Passes a request without a credential for its owner. If no configuration is in force, this explains why and does not
 * stop git, because the organization may not be ours. `explains`: the client can tell the user what is not configured.
 */
export function explainAbsence(
  reason: string,
  owner: Owner,
  {reasonForNone, explains}: {readonly reasonForNone: string | undefined; readonly explains: boolean},
): Answer {
  const mayBeMeant = owner.kind === 'organization' || owner.kind === 'unnamed';
  if (reasonForNone === undefined || !mayBeMeant)
    return {
      kind: 'pass',
      reason,
      ...(explains && owner.kind === 'organization' && {uncovered: owner.organization}),
    };
  const errors = [`no configuration is in force: ${reasonForNone}`];
  return {kind: 'failure', errors, hints: ['run: orgkey config check'], quit: false};
}

/** Users copy the hint into a shell: this omits names with special characters. */
function argumentFor(owner: Owner): string {
  const name = nameOf(owner) ?? '';
  return /^[A-Za-z0-9_][\w.-]*$/.test(name) ? name : '';
}
