import type {SubmoduleSettings} from '../../src/config/configuration.ts';
import type {Identity, SecretSource} from '../../src/identity/identity.ts';

export const CLIENT = '11111111-1111-4111-8111-111111111111';
export const TENANT = '22222222-2222-4222-8222-222222222222';
export const MACHINE = '33333333-3333-4333-8333-333333333333';
export const CONNECTION = '44444444-4444-4444-8444-444444444444';
export const PEM =
  '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n';

/** The variables of the configurations of these tests. */
export const environment = {
  CLIENT,
  TENANT,
  SECRET: '  from a variable\n',
  EMPTY: '',
  TRUE: 'true',
  ORGANIZATION: 'Contoso',
  BLANK: ' \n',
};

/** The files of the configurations of these tests. */
export const files = {
  secret: 'from a file\r\n',
  marked: '\ufeff from a file\r\n',
  'deep/cert.pem': PEM,
  client: `${CLIENT}\n`,
  empty: '\n',
  lines: 'one\ntwo\n',
};

/** Returns a configuration with one credential. */
export function on(credential: string, host = 'dev.azure.com'): string {
  return `integrations:\n  azure:\n    - host: ${host}\n      credentials:\n        - ${credential.split('\n').join('\n          ')}\n`;
}

/** Returns the text of a secret that is held, or its source. */
export function revealed(source: SubmoduleSettings['privateKey'] | undefined): unknown {
  return source?.from === 'held' ? source.secret.revealText() : source;
}

/** Returns an identity without its key, with its secrets readable. */
export function shown(identity: Identity): unknown {
  const fields = Object.entries(identity).filter(([name]) => name !== 'key');
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null && 'from' in value
        ? revealed(value as SecretSource)
        : value,
    ]),
  );
}
