import type {Application, Directory, User} from '../directory.ts';
import {EntraError} from '../entra-errors.ts';
import type {Exchange, Reply} from '../http-exchange.ts';
import {createCode, createUserCode} from '../secrets.ts';
import {codePage, messagePage} from '../sign-in-pages.ts';
import type {TokenService} from '../token-service.ts';
import {usersOf} from './authorization-codes.ts';
import {userReply, type CreateRefreshToken} from './grants.ts';
import {html, missing, noStore} from './replies.ts';
import {delegatedScope} from './scopes.ts';

interface DeviceRequest {
  readonly application: Application;
  readonly scope: string;
  readonly userCode: string;
  readonly expiresAt: number;
  state: {kind: 'pending' | 'declined' | 'expired'} | {kind: 'approved'; user: User};
}

/** The grant `device_code`, and the page on which a user enters the code. */
export class DeviceCodes {
  /** Signs in at once as this user. */
  autoSignIn: User | undefined;
  /** The pause between polls that a device is asked for, in seconds. Entra's own: 5. */
  interval = 1;
  readonly #tokens: TokenService;
  readonly #now: () => number;
  readonly #createRefreshToken: CreateRefreshToken;
  readonly #devices = new Map<string, DeviceRequest>();

  constructor({
    tokens,
    now,
    createRefreshToken,
  }: {
    tokens: TokenService;
    now: () => number;
    createRefreshToken: CreateRefreshToken;
  }) {
    this.#tokens = tokens;
    this.#now = now;
    this.#createRefreshToken = createRefreshToken;
  }

  /** Approves the request with that user code, as the user does in a browser. */
  approve(userCode: string, user: User): void {
    this.#deviceOf(userCode).state = {kind: 'approved', user};
  }

  decline(userCode: string): void {
    this.#deviceOf(userCode).state = {kind: 'declined'};
  }

  expire(userCode: string): void {
    this.#deviceOf(userCode).state = {kind: 'expired'};
  }

  /** The user codes that no user has entered yet. */
  get pendingUserCodes(): readonly string[] {
    return [...this.#devices.values()]
      .filter(({state}) => state.kind === 'pending')
      .map(({userCode}) => userCode);
  }

  start({form}: Exchange, application: Application): Reply {
    const scope = form.get('scope');
    if (scope === null) throw missing('scope');
    delegatedScope(scope);
    const deviceCode = createCode();
    const userCode = createUserCode();
    const seconds = 900;
    this.#devices.set(deviceCode, {
      application,
      scope,
      userCode,
      expiresAt: this.#now() + seconds * 1000,
      state: this.autoSignIn ? {kind: 'approved', user: this.autoSignIn} : {kind: 'pending'},
    });
    const address = 'https://login.microsoft.com/device';
    return noStore({
      user_code: userCode,
      device_code: deviceCode,
      verification_uri: address,
      expires_in: seconds,
      interval: this.interval,
      message: `To sign in, use a web browser to open the page ${address} and enter the code ${userCode} to authenticate.`,
    });
  }

  redeem({form, record}: Exchange, application: Application): Reply {
    const device = this.#devices.get(form.get('device_code') ?? form.get('code') ?? '');
    if (!device || device.application !== application)
      throw new EntraError(70018, 'bad_verification_code', 'Bad verification code.');
    const {state} = device;
    switch (device.expiresAt <= this.#now() ? 'expired' : state.kind) {
      case 'expired':
        throw new EntraError(70019, 'expired_token', 'Verification code expired.');
      case 'pending':
        throw new EntraError(
          70016,
          'authorization_pending',
          `OAuth 2.0 device flow error. Authorization is pending. Continue polling.`,
        );
      case 'declined':
        throw new EntraError(65004, 'authorization_declined', 'User declined to consent to access the app.');
      default:
    }
    if (state.kind !== 'approved') throw new Error(`a device in state ${state.kind}`);
    this.#devices.delete(form.get('device_code') ?? form.get('code') ?? '');
    record.principal = state.user.name;
    return userReply(
      this.#tokens,
      {application, user: state.user, scope: device.scope},
      {form, createRefreshToken: this.#createRefreshToken},
    );
  }

  /** Answers the page on which a user enters the code. */
  page({method, form, query}: Exchange, directory: Directory): Reply {
    if (method !== 'POST')
      return html(codePage({users: usersOf(directory, 'common'), code: query.get('otc') ?? ''}));
    const userCode = form.get('code') ?? '';
    const user = directory.user(form.get('account') ?? '');
    if (!this.pendingUserCodes.includes(userCode.trim().toUpperCase()))
      return html(messagePage('That code didn’t work.', 'Check the code and try again.'), 400);
    if (form.get('action') === 'cancel') {
      this.decline(userCode);
      return html(messagePage('You declined.', 'You can close this window.'));
    }
    if (!user)
      return html(messagePage('We couldn’t find an account with that username.', 'AADSTS50034'), 400);
    this.approve(userCode, user);
    return html(messagePage('You have signed in.', 'You can close this window.'));
  }

  #deviceOf(userCode: string): DeviceRequest {
    const wanted = userCode.trim().toUpperCase();
    const device = [...this.#devices.values()].find((known) => known.userCode === wanted);
    if (!device) throw new Error(`no request has the user code ${userCode}`);
    return device;
  }
}
