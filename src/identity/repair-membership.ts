import {actorOf} from './actor.ts';

/** Returns what repairs a credential that an organization rejects without a reason, for a kind of identity. */
export function repairMembership(kind: string): string {
  switch (actorOf(kind)) {
    case 'pat':
      return 'Replace the personal access token: create one for this organization, with the scope Code.';
    case 'person':
      return 'Open the organization once in a browser as this user; else have the user added with at least Basic access and Read on the repository.';
    case 'app':
    case 'machine':
      return 'Add the identity to the organization as a user with at least Basic access and Read on the repository.';
  }
}
