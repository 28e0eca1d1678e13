import {randomUUID, type KeyObject} from 'node:crypto';
import type {Directory, Principal} from './directory.ts';
import {tokenExchange, type Resource} from './resources.ts';
import {
  decodeJwt,
  isSignedBy,
  signJwt,
  textClaim,
  timeClaim,
  type Claims,
  type DecodedJwt,
  type SigningKey,
} from './jwt.ts';

/** How long tokens live, in seconds. Change it at any time. */
export interface TokenSettings {
  /** Default: 3,599, as Entra says. Fact 10. */
  life: number;
  /** `refresh_in` of an answer. Default: none. */
  refreshIn: number | undefined;
  /** Default: 86,399. */
  managedIdentityLife: number;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresIn: number;
  readonly expiresAt: number;
}

export type Verdict =
  | {readonly kind: 'valid'; readonly principal: Principal; readonly claims: Claims}
  | {readonly kind: 'refused'; readonly reason: string};

/** Whose tokens the cloud can tell: tenants, GitHub, pipelines, clusters. */
export interface Issuer {
  readonly url: string;
  readonly key: SigningKey;
}

/** Makes, verifies and revokes the tokens of every tenant. */
export class TokenService {
  readonly settings: TokenSettings = {life: 3599, refreshIn: undefined, managedIdentityLife: 86_399};
  readonly key: SigningKey;
  readonly #directory: Directory;
  readonly #now: () => number;
  readonly #issuers = new Map<string, Issuer>();
  readonly #revoked = new Set<string>();

  constructor({directory, key, now}: {directory: Directory; key: SigningKey; now: () => number}) {
    this.#directory = directory;
    this.key = key;
    this.#now = now;
  }

  /** An access token. Default of `life`, in seconds: the settings'. */
  issue(
    principal: Principal,
    resource: Resource,
    {life = this.settings.life, scopes}: {life?: number; scopes?: readonly string[]} = {},
  ): IssuedToken {
    const {tenant} = principal;
    const now = Math.floor(this.#now() / 1000);
    // Assertions are checked by issuer and subject, which only version 2 tokens have in the documented form.
    // fact 26
    const version2 = resource === tokenExchange;
    const isUser = principal.kind === 'user';
    const claims = {
      aud: resource.audience,
      iss: version2 ? tenant.issuer : `https://sts.windows.net/${tenant.id}/`,
      iat: now,
      nbf: now,
      exp: now + life,
      ...(isUser
        ? {
            scp: scopes?.join(' ') ?? '',
            upn: principal.userPrincipalName,
            name: principal.name,
            idtyp: 'user',
          }
        : {idtyp: 'app'}),
      ...(version2 ? {azp: principal.clientId} : {appid: principal.clientId}),
      oid: principal.objectId,
      sub: principal.objectId,
      tid: tenant.id,
      uti: randomUUID(),
      ver: version2 ? '2.0' : '1.0',
    };
    return {token: signJwt(claims, this.key), expiresIn: life, expiresAt: (now + life) * 1000};
  }

  idToken(user: Principal, clientId: string, nonce: string | undefined): string {
    const now = Math.floor(this.#now() / 1000);
    return signJwt(
      {
        aud: clientId,
        iss: user.tenant.issuer,
        iat: now,
        nbf: now,
        exp: now + 3600,
        ...(nonce === undefined ? {} : {nonce}),
        name: user.name,
        oid: user.objectId,
        preferred_username: user.userPrincipalName,
        sub: user.objectId,
        tid: user.tenant.id,
        uti: randomUUID(),
        ver: '2.0',
      },
      this.key,
    );
  }

  /** Decides on a token that was presented to `resource`. */
  verify(token: string, resource: Resource): Verdict {
    const jwt = decodeJwt(token);
    if (!jwt) return {kind: 'refused', reason: 'not a token'};
    if (!isSignedBy(jwt, this.key.publicKey)) return {kind: 'refused', reason: 'signature'};
    const {claims} = jwt;
    if (timeClaim(claims, 'exp') <= this.#now()) return {kind: 'refused', reason: 'expired'};
    if (textClaim(claims, 'aud') !== resource.audience) return {kind: 'refused', reason: 'audience'};
    if (this.isRevoked(token)) return {kind: 'refused', reason: 'revoked'};
    const principal = this.#directory.principal(textClaim(claims, 'oid'));
    return principal ? {kind: 'valid', principal, claims} : {kind: 'refused', reason: 'principal'};
  }

  addIssuer(issuer: Issuer): void {
    this.#issuers.set(issuer.url, issuer);
  }

  /** The key with which an issuer signs, if the cloud knows the issuer. */
  issuerKey(url: string): KeyObject | undefined {
    const tenant = this.#directory.tenants.find(({issuer}) => issuer === url);
    return tenant ? this.key.publicKey : this.#issuers.get(url)?.key.publicKey;
  }

  /** Whatever the secret is (access token, PAT, refresh token): it is not accepted from now on. */
  revoke(secret: string): void {
    this.#revoked.add(secret);
  }

  isRevoked(secret: string): boolean {
    return this.#revoked.has(secret);
  }
}

export function isAssertionValidAt(jwt: DecodedJwt, now: number): boolean {
  // Entra allows clocks to differ by five minutes
  const leeway = 300_000;
  return timeClaim(jwt.claims, 'exp') > now && timeClaim(jwt.claims, 'nbf') - leeway <= now;
}
