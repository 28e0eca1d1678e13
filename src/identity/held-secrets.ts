import type {Secret} from '../secret/secret.ts';
import type {SecretSource} from './identity.ts';

/** Returns the secrets that an identity, or another part of a configuration, has in memory. */
export function* heldSecrets(holder: object): Iterable<Secret> {
  for (const source of sourcesIn(holder)) if (source.from === 'held') yield source.secret;
}

function* sourcesIn(part: object): Iterable<SecretSource> {
  for (const value of Object.values<unknown>({...part})) {
    if (isSecretSource(value)) yield value;
    else if (typeof value === 'object' && value !== null) yield* sourcesIn(value);
  }
}

/** Whether a field of an identity is a secret. */
export function isSecretSource(value: unknown): value is SecretSource {
  return typeof value === 'object' && value !== null && 'from' in value;
}
