import type {AnswerParts, RejectedPlace} from '../../answer/answer.ts';
import type {Repository} from '../../gateway/rule/repository.ts';
import type {Supplied, Supply} from '../../gateway/supply.ts';
import {describeIdentity} from '../../identity/identity.ts';
import type {SocketScope} from '../../organization/socket-scope.ts';
import {Secret} from '../../secret/secret.ts';
import {AZURE_DEVOPS_SCOPE, type Failure} from '../../token/acquire.ts';
import {findToken} from '../../token/find-token.ts';
import {askerOf} from '../../token/asker.ts';
import type {Token} from '../../token/token.ts';

/** Supplies one gateway with credentials, by the same rules as git itself gets them. */
export class GatewaySupply implements Supply {
  readonly #scope: SocketScope;
  readonly #current: (id?: string) => AnswerParts;
  readonly #problem: () => Promise<Failure | undefined>;

  /** `current`: what requests are answered by at this moment. `problem`: why nothing may be handed out now. */
  constructor(
    scope: SocketScope,
    {current, problem}: {current: (id?: string) => AnswerParts; problem: () => Promise<Failure | undefined>},
  ) {
    this.#scope = scope;
    this.#current = current;
    this.#problem = problem;
  }

  async get(repository: Repository, {id, rejected}: Parameters<Supply['get']>[1]): Promise<Supplied> {
    const {owner, organization} = repository;
    const problem = await this.#problem();
    if (problem !== undefined) return {kind: 'failure', ...problem};
    const parts = this.#current(id);
    const choice = parts.bindings.choose(owner);
    if (choice.kind === 'none')
      return {
        kind: 'failure',
        code: 'ERR_NOT_CONFIGURED',
        message: `no credential is configured for ${organization}`,
        hint: 'run: orgkey which',
      };
    const {identity} = choice.binding;
    if (identity.kind === 'stored')
      return {
        kind: 'failure',
        code: 'ERR_NOT_CONFIGURED',
        message: `${organization} uses stored logins, which a gateway does not use`,
        hint: 'configure an identity for the organization',
      };
    const wanted = {identity, scope: AZURE_DEVOPS_SCOPE, id};
    const place = placeOf(repository);
    const asker = askerOf(place, this.#scope, identity);
    const verify = (token: Token) => parts.verify(place, token);
    const found = await findToken(wanted, asker, rejected, {...parts, verify});
    if (found.kind === 'failed') {
      const {code, message, hint} = found.failure;
      return {kind: 'failure', code, message: `${organization}: ${message}`, hint};
    }
    const {token} = found;
    return {
      kind: 'credential',
      authorization: headerOf(token),
      fingerprint: token.fingerprint,
      issuerRequest: token.issuerRequest,
      identity: describeIdentity(identity),
    };
  }

  accepted(repository: Repository, fingerprint: string): void {
    const {bindings, rejections} = this.#current();
    const choice = bindings.choose(repository.owner);
    if (choice.kind === 'none') return;
    const asker = askerOf(placeOf(repository), this.#scope, choice.binding.identity);
    rejections.confirm(asker, fingerprint);
  }
}

function placeOf({owner, host, path}: Repository): RejectedPlace {
  return {owner, host, path: path.slice(1).split('/').map(decodeURIComponent).join('/')};
}

/** A personal access token goes as a password, everything else as a bearer token. */
function headerOf({kind, secret}: Token): Secret {
  if (kind === 'access-token') return secret.use((bytes) => joined('Bearer ', bytes));
  return secret.use((bytes) => {
    const pair = joined(':', bytes);
    return pair.use((plain) => Secret.fromText(`Basic ${plain.toString('base64')}`));
  });
}

function joined(prefix: string, bytes: Buffer): Secret {
  const all = new Uint8Array(prefix.length + bytes.length);
  all.set(Buffer.from(prefix));
  all.set(bytes, prefix.length);
  return new Secret(all);
}
