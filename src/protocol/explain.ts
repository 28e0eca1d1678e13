import type {Choice} from '../identity/bindings.ts';
import {describeIdentity} from '../identity/identity.ts';
import type {Owner} from '../organization/owner.ts';
import {describeOwner, nameOf} from '../organization/socket-scope.ts';
import type {Failure} from '../token/acquire.ts';
import type {Answer} from './answer.ts';

/** Says what failed, why, and what repairs it. A fallback that fails is no reason to stop git. */
export function explainFailure(
  failure: Failure,
  owner: Owner,
  choice: Extract<Choice, {kind: 'chosen'}>,
  onFailure: 'quit' | 'pass',
): Answer {
  const who = `${describeOwner(owner)}: ${describeIdentity(choice.binding.identity)}`;
  const hint = failure.hint === undefined ? [] : [failure.hint];
  return {
    kind: 'failure',
    errors: [`${who}: ${failure.message} (${failure.code})`],
    hints: [...hint, `run: orgkey doctor ${argumentFor(owner)}`.trimEnd()],
    quit: choice.by === 'name' && onFailure === 'quit',
  };
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
