import type {Application, User} from '../directory.ts';
import {EntraError} from '../entra-errors.ts';
import type {Exchange, Reply} from '../http-exchange.ts';
import {createRefreshToken} from '../secrets.ts';
import type {TokenService} from '../token-service.ts';
import {userReply, type Grant} from './grants.ts';

interface RefreshToken extends Grant {
  state: 'good' | 'revoked' | 'expired';
}

/** The grant `refresh_token`. */
export class RefreshTokens {
  readonly #grants = new Map<string, RefreshToken>();
  readonly #tokens: TokenService;

  constructor(tokens: TokenService) {
    this.#tokens = tokens;
  }

  readonly create = (grant: Grant): string => {
    const token = createRefreshToken();
    this.#grants.set(token, {...grant, state: 'good'});
    return token;
  };

  /** Ends the refresh tokens of a user, or of all users. */
  end(state: 'revoked' | 'expired', user?: User): void {
    for (const token of this.#grants.values())
      if (user === undefined || token.user === user) token.state = state;
  }

  redeem({form, record}: Exchange, application: Application): Reply {
    const token = form.get('refresh_token') ?? '';
    const grant = this.#grants.get(token);
    if (!grant || grant.application !== application)
      throw new EntraError(70000, 'invalid_grant', `Provided grant is invalid or malformed.`, {
        suberror: 'bad_token',
      });
    record.principal = grant.user.name;
    if (grant.state === 'expired')
      throw new EntraError(
        700082,
        'invalid_grant',
        `The refresh token has expired due to inactivity. The token was issued on an earlier day and was inactive for 90.00:00:00.`,
        {suberror: 'bad_token'},
      );
    if (grant.state === 'revoked' || this.#tokens.isRevoked(token))
      throw new EntraError(
        50173,
        'invalid_grant',
        `The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.`,
        {suberror: 'bad_token'},
      );
    return userReply(
      this.#tokens,
      {...grant, scope: form.get('scope') ?? grant.scope},
      {form, createRefreshToken: this.create},
    );
  }
}
