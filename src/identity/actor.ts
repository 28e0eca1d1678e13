/** Who acts, as far as it decides which repair fits. */
export type Actor = 'person' | 'app' | 'machine' | 'pat';

export function actorOf(kind: string): Actor {
  switch (kind) {
    case 'sign-in':
    case 'azure-cli':
    case 'stored':
      return 'person';
    case 'managed-identity':
      return 'machine';
    case 'pat':
      return 'pat';
    default:
      return 'app';
  }
}
