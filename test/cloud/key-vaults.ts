import {randomUUID} from 'node:crypto';
import type {Principal} from './directory.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {keyVault} from './resources.ts';
import type {TokenService} from './token-service.ts';

export interface Vault {
  readonly name: string;
  readonly url: string;
  readonly secrets: Map<string, string>;
  readonly readers: Set<string>;
}

/** Vaults whose secrets can be read by those who may. */
export class KeyVaults {
  readonly #vaults = new Map<string, Vault>();
  readonly #tokens: TokenService;

  constructor({tokens}: {tokens: TokenService}) {
    this.#tokens = tokens;
  }

  add(
    name: string,
    {
      secrets = {},
      readers = [],
    }: {secrets?: Readonly<Record<string, string>>; readers?: readonly Principal[]} = {},
  ): Vault {
    const vault = {
      name,
      url: `https://${name}.vault.azure.net`,
      secrets: new Map(Object.entries(secrets)),
      readers: new Set(readers.map(({objectId}) => objectId)),
    };
    this.#vaults.set(`${name.toLowerCase()}.vault.azure.net`, vault);
    return vault;
  }

  has(host: string): boolean {
    return this.#vaults.has(host);
  }

  readonly route: Router = ({host, segments}): Route => ({
    endpoint: 'key-vault',
    handle: (exchange) => this.#read(this.#vaults.get(host), segments, exchange),
  });

  #read(
    vault: Vault | undefined,
    [kind, name = '']: readonly string[],
    {authorization, query, record}: Exchange,
  ): Reply {
    if (!vault || kind !== 'secrets') return problem(404, 'NotFound', 'Resource not found.');
    const challenge = {
      'www-authenticate': `Bearer authorization="https://login.microsoftonline.com/common", resource="https://vault.azure.net"`,
    };
    if (authorization?.scheme !== 'bearer')
      return {
        ...problem(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'),
        headers: challenge,
      };
    const verdict = this.#tokens.verify(authorization.secret, keyVault);
    if (verdict.kind === 'refused') {
      record.refusal = verdict.reason;
      return {
        ...problem(401, 'Unauthorized', `AKV10022: Invalid audience or token (${verdict.reason}).`),
        headers: challenge,
      };
    }
    record.principal = verdict.principal.name;
    if (query.get('api-version') === null)
      return problem(400, 'BadParameter', 'api-version must be specified');
    if (!vault.readers.has(verdict.principal.objectId))
      return problem(
        403,
        'Forbidden',
        `Caller is not authorized to perform action on resource. Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'.`,
      );
    const value = vault.secrets.get(name);
    if (value === undefined)
      return problem(
        404,
        'SecretNotFound',
        `A secret with (name/id) ${name} was not found in this key vault.`,
      );
    return {
      status: 200,
      body: {
        value,
        id: `${vault.url}/secrets/${name}/${randomUUID().replaceAll('-', '')}`,
        attributes: {enabled: true},
      },
    };
  }
}

function problem(status: number, code: string, message: string): Reply {
  return {status, body: {error: {code, message}}};
}
