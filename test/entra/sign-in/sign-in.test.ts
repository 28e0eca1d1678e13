import {once} from 'node:events';
import {request} from 'node:http';
import {connect} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {refreshTokenName} from '../../../src/entra/sign-in/refresh-tokens.ts';
import {signIn, type SignedIn, type SignInEvent} from '../../../src/entra/sign-in/sign-in.ts';
import {acquiringFrom, held, told} from '../../helpers/acquiring.ts';
import {issuerAddress} from '../../helpers/issuer-address.ts';
import {cloudForFile} from '../../helpers/cloud-for.ts';

const cloud = await cloudForFile();
test.afterEach.always(() => cloud.clearFaults());

const tenant = cloud.addTenant();
const ada = tenant.addUser({name: 'Ada'});
const ORGANIZATION_SCOPES = ['vso.code', 'vso.code_write'];

/** A person's app, and the daemon's side of it. */
function person({
  secret = false,
  method = 'browser',
  scopes = [],
}: {secret?: boolean; method?: 'browser' | 'device-code'; scopes?: readonly string[]} = {}) {
  const app = tenant.addApplication(secret ? {} : {public: true});
  const acquiring = acquiringFrom(cloud);
  const identity = {
    kind: 'sign-in',
    key: 'a key that changes with each start',
    method,
    issuer: tenant.issuer,
    clientId: app.clientId,
    clientSecret: secret ? held(app.secret) : undefined,
    scopes,
  } as const;
  const name = refreshTokenName(identity);
  return {
    app,
    identity,
    ...acquiring,
    kept: () => acquiring.refreshTokens.held.get(name),
    keep: (token: string) => acquiring.refreshTokens.held.set(name, token),
    signIn: (onEvent: (event: SignInEvent) => void, signal?: AbortSignal) =>
      signIn(identity, acquiring, signal === undefined ? {onEvent} : {onEvent, signal}),
  };
}

/** Signs in with what the person does when the issuer's address is known. */
async function withBrowser(
  {signIn}: Pick<ReturnType<typeof person>, 'signIn'>,
  act: (url: string) => Promise<unknown>,
): Promise<SignedIn> {
  let acted: Promise<unknown> | undefined;
  const signedIn = await signIn((event) => {
    if ('openUrl' in event) acted = issuerAddress(event.openUrl).then(act);
  });
  await acted;
  return signedIn;
}

function says(t: ExecutionContext, signedIn: SignedIn, expected: string): void {
  t.is(signedIn.kind === 'failed' ? told(signedIn) : `signed in as ${String(signedIn.username)}`, expected);
}

test.serial('in the browser: signed in, the refresh token is kept and used', async (t) => {
  const {signIn, kept, acquire, identity, refreshTokens} = person();
  let page = '';
  let url = '';
  const signedIn = await withBrowser({signIn}, async (address) => {
    url = address;
    ({page} = await cloud.browse(address, ada));
  });
  t.deepEqual(signedIn, {kind: 'signed-in', username: ada.userPrincipalName, tenantId: tenant.id});
  t.regex(page, /<h1>You are signed in<\/h1>\n<p>as <b>ada@\S+<\/b><\/p>\n<p>This page can be closed\.<\/p>/);
  const query = new URL(url).searchParams;
  t.is(query.get('response_mode'), 'form_post');
  t.is(query.get('code_challenge_method'), 'S256');
  t.is(query.get('scope'), '499b84ac-1321-427f-aa17-267ca6975798/.default openid profile offline_access');
  t.true((query.get('state') ?? '').length >= 43 && (query.get('nonce') ?? '').length >= 43);
  t.truthy(kept());

  const first = kept();
  const acquired = await acquire(identity);
  t.is(acquired.kind, 'token', told(acquired));
  t.not(kept(), first, 'the issuer gave a new one, and it is kept');
  await refreshTokens.remove(refreshTokenName(identity));
  t.is(
    told(await acquire(identity)),
    'no user has signed in yet (ERR_NOT_SIGNED_IN)\nRun orgkey login for the organization.',
  );
});

test.serial(
  'in the browser: an app with a secret, and scopes of Azure DevOps by their short names',
  async (t) => {
    const {signIn, acquire, identity, app} = person({secret: true, scopes: ORGANIZATION_SCOPES});
    let url = '';
    const signedIn = await withBrowser({signIn}, (address) => cloud.browse((url = address), ada));
    says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
    t.is(
      new URL(url).searchParams.get('scope'),
      '499b84ac-1321-427f-aa17-267ca6975798/vso.code 499b84ac-1321-427f-aa17-267ca6975798/vso.code_write openid profile offline_access',
    );
    t.is((await acquire(identity)).kind, 'token');
    const other = await acquire(identity, 'https://graph.microsoft.com/.default');
    t.is(other.kind, 'token', told(other));
    const scopes = cloud.requests
      .filter({endpoint: 'token', client: app.clientId})
      .map(({form}) => form['scope']?.split(' ')[0]);
    t.is(scopes.at(-1), 'https://graph.microsoft.com/.default');
  },
);

test.serial('in the browser: the person declines', async (t) => {
  const {signIn, kept} = person();
  let page = '';
  const signedIn = await withBrowser(
    {signIn},
    async (url) => ({page} = await cloud.browse(url, ada, {decline: true})),
  );
  says(t, signedIn, 'the user declined (AADSTS65004)\nStart the sign-in again: orgkey login.');
  t.regex(page, /The sign-in was not completed\. The terminal says why\./);
  t.is(kept(), undefined);
});

test.serial('in the browser: no consent for the app', async (t) => {
  const {signIn, app} = person();
  app.consented = false;
  const signedIn = await withBrowser({signIn}, (url) => cloud.browse(url, ada));
  says(
    t,
    signedIn,
    `consent is missing for the app (AADSTS65001)\nConsent once, interactively: orgkey login; a tenant may let only an admin consent. Consent of an admin: https://login.microsoftonline.com/${tenant.id}/adminconsent?client_id=${app.clientId}`,
  );
});

test.serial('in the browser: strangers at the port are sent away, and the sign-in goes on', async (t) => {
  const {signIn} = person();
  const answers: string[] = [];
  const signedIn = await withBrowser({signIn}, async (url) => {
    const redirect = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
    answers.push(await knock(redirect, '/?state=guessed&code=stolen'));
    answers.push(await knock(redirect, '/?error=access_denied'));
    answers.push(await knock(redirect, '/', {body: 'state=guessed&code=stolen'}));
    answers.push(await knock(redirect, '/', {body: `state=${'x'.repeat(100_000)}`}));
    // a client that knows the state is bounded too
    const state = new URL(url).searchParams.get('state') ?? '';
    answers.push(await knock(redirect, '/', {body: `state=${state}&code=x&more=${'x'.repeat(64 * 1024)}`}));
    answers.push(await knock(redirect, '/favicon.ico'));
    answers.push(await knock(redirect, '/?code=x', {host: 'evil.example'}));
    await cloud.browse(url, ada);
  });
  says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
  t.deepEqual(answers, ['400', '400', '400', '400', '400', '404', '404']);
});

test.serial('in the browser: a stranger who hangs up in the middle does not end it', async (t) => {
  const {signIn} = person();
  const signedIn = await withBrowser({signIn}, async (url) => {
    const {port} = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
    await hangUp(port, `POST / HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 100\r\n\r\nstate=`);
    await hangUp(port, 'GET / HT');
    await cloud.browse(url, ada);
  });
  says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
});

test.serial(
  'in the browser: a page that is reloaded while the code is redeemed shows the end as well',
  async (t) => {
    const {signIn, app} = person();
    const redeeming = {endpoint: 'token', client: app.clientId} as const;
    cloud.fault({...redeeming, delay: 300});
    let again = '';
    const signedIn = await withBrowser({signIn}, async (url) => {
      const {port} = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
      const first = cloud.browse(url, ada);
      await cloud.requests.waitFor(redeeming);
      const query = new URLSearchParams({
        state: new URL(url).searchParams.get('state') ?? '',
        code: 'the same',
      });
      again = await knock(new URL(`http://localhost:${port}`), `/?${query.toString()}`);
      await first;
    });
    says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
    t.is(again, '200');
    t.is(cloud.requests.count(redeeming), 1);
  },
);

test.serial('in the browser: closed before the code was redeemed', async (t) => {
  const {signIn, app} = person();
  const redeeming = {endpoint: 'token', client: app.clientId} as const;
  cloud.fault({...redeeming, delay: 300});
  const signedIn = await withBrowser({signIn}, async (url) => {
    const {searchParams} = new URL(url);
    cloud.entra.autoSignIn = ada;
    const {text} = await cloud.request(url).finally(() => (cloud.entra.autoSignIn = undefined));
    const code = /name="code" value="([^"]*)"/.exec(text)?.[1] ?? '';
    const {host, port} = new URL(searchParams.get('redirect_uri') ?? '');
    const query = new URLSearchParams({state: searchParams.get('state') ?? '', code});
    const request = `GET /?${query.toString()} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    await hangUp(port, request, () => cloud.requests.waitFor(redeeming));
  });
  says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
});

for (const [title, another] of [
  ['another sign-in', {nonce: 'another'}],
  ['another app', {aud: 'another'}],
] as const) {
  test.serial(`in the browser: the tokens of ${title}`, async (t) => {
    const {signIn, kept, identity} = person();
    let page = '';
    const signedIn = await withBrowser({signIn}, async (url) => {
      const now = Math.floor(Date.now() / 1000);
      const own = {
        nonce: new URL(url).searchParams.get('nonce'),
        aud: identity.clientId,
        iss: tenant.issuer,
        sub: ada.objectId,
        iat: now,
        exp: now + 3600,
      };
      const parts = [{alg: 'RS256'}, {...own, ...another}];
      const [head, claims] = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
      cloud.fault({endpoint: 'token', set: {id_token: `${head}.${claims}.c2ln`}});
      ({page} = await cloud.browse(url, ada));
    });
    says(
      t,
      signedIn,
      'the issuer answered with the tokens of another sign-in (ERR_NONCE)\nStart the sign-in again; if it happens again, this may be a man-in-the-middle attack.',
    );
    t.regex(page, /The sign-in came back, but could not be completed\. The terminal says why\./);
    t.is(kept(), undefined);
  });
}

test.serial('in the browser: a code is sent once, whatever happens', async (t) => {
  const {signIn, app} = person();
  cloud.fault({endpoint: 'token', status: 503, times: 'always', body: {}});
  const signedIn = await withBrowser({signIn}, (url) => cloud.browse(url, ada));
  t.is(signedIn.kind, 'failed');
  t.is(cloud.requests.count({endpoint: 'token', client: app.clientId}), 1);
});

test.serial('in the browser: given up', async (t) => {
  const {signIn} = person();
  const giveUp = new AbortController();
  const signedIn = await signIn(() => giveUp.abort(), giveUp.signal);
  says(t, signedIn, 'sign-in cancelled (ERR_CANCELLED)\nRun orgkey login again when you are ready.');
});

for (const method of ['browser', 'device-code'] as const) {
  test.serial(`${method}: without an answer it ends and stops listening`, async (t) => {
    const {identity, ...acquiring} = person({method});
    let port = 0;
    const signedIn = await signIn(
      identity,
      {...acquiring, patience: 2400},
      {
        onEvent: (event) => {
          if ('openUrl' in event) port = Number(new URL(event.openUrl).port);
        },
      },
    );
    says(
      t,
      signedIn,
      'no user signed in within 2 s (ERR_SIGN_IN_TIMEOUT)\nStart the sign-in again: orgkey login.',
    );
    if (method === 'browser') t.regex(await knock(new URL(`http://localhost:${port}`), '/'), /ECONNREFUSED/);
  });
}

test.serial('no refresh token: said at once, not within the hour', async (t) => {
  const {signIn} = person();
  cloud.fault({endpoint: 'token', omit: ['refresh_token']});
  says(
    t,
    await withBrowser({signIn}, (url) => cloud.browse(url, ada)),
    'the issuer returned no refresh token, so the sign-in would expire within the hour (ERR_NO_REFRESH_TOKEN)\nGrant the app the permission offline_access.',
  );
});

test.serial('a sign-in that cannot be kept', async (t) => {
  const {signIn, refreshTokens} = person();
  refreshTokens.write = () => Promise.reject(new Error('no space is left'));
  says(
    t,
    await withBrowser({signIn}, (url) => cloud.browse(url, ada)),
    'the sign-in could not be stored: no space is left (ERR_SIGN_IN_NOT_KEPT)\nCheck that the state directory is writable and has free space, then sign in again.',
  );
});

test.serial('with a device code: shown, typed, signed in', async (t) => {
  const {signIn, kept, acquire, identity} = person({method: 'device-code'});
  const events: SignInEvent[] = [];
  const signedIn = await signIn((event) => {
    events.push(event);
    if ('deviceCode' in event) cloud.entra.approveDevice(event.deviceCode.code, ada);
  });
  says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
  t.like(events, [{event: 'login', deviceCode: {url: 'https://login.microsoft.com/device'}}]);
  t.is(events.length, 1);
  t.truthy(kept());
  t.is((await acquire(identity)).kind, 'token');
});

test.serial('with a device code: polls until it is typed', async (t) => {
  const {signIn, app} = person({method: 'device-code'});
  const pending = {endpoint: 'token', client: app.clientId, status: 400} as const;
  let typed: Promise<void> | undefined;
  const signedIn = await signIn((event) => {
    if ('deviceCode' in event)
      typed = cloud.requests
        .waitFor(pending, 2)
        .then(() => cloud.entra.approveDevice(event.deviceCode.code, ada));
  });
  await typed;
  says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
});

test.serial('with a device code: a connection that breaks does not end it', async (t) => {
  const {signIn} = person({method: 'device-code'});
  const signedIn = await signIn((event) => {
    if (!('deviceCode' in event)) return;
    cloud.fault({endpoint: 'token', reset: true});
    cloud.entra.approveDevice(event.deviceCode.code, ada);
  });
  says(t, signedIn, `signed in as ${ada.userPrincipalName}`);
});

for (const [title, act, expected] of [
  [
    'declined',
    (code: string) => cloud.entra.declineDevice(code),
    'the user declined (AADSTS65004)\nStart the sign-in again: orgkey login.',
  ],
  [
    'too late',
    (code: string) => cloud.entra.expireDevice(code),
    'the device code has expired (AADSTS70019)\nStart the sign-in again: orgkey login.',
  ],
] as const) {
  test.serial(`with a device code: ${title}`, async (t) => {
    const {signIn} = person({method: 'device-code'});
    says(t, await signIn((event) => 'deviceCode' in event && act(event.deviceCode.code)), expected);
  });
}

const refusals: readonly [
  title: string,
  spoil: (app: ReturnType<typeof person>['app']) => (() => void) | void,
  expected: string,
][] = [
  [
    'revoked',
    () => cloud.entra.endRefreshTokens('revoked'),
    'the grant was revoked (AADSTS50173)\nSign in again: orgkey login.',
  ],
  [
    'lapsed',
    () => cloud.entra.endRefreshTokens('expired'),
    'the refresh token lapsed for want of use (AADSTS700082)\nSign in again: orgkey login.',
  ],
  [
    'the person is disabled',
    () => {
      ada.disabled = true;
      return () => (ada.disabled = false);
    },
    'the account is disabled (AADSTS50057)\nHave an admin of the tenant enable it.',
  ],
  [
    'the app is disabled',
    (app) => {
      app.disabled = true;
    },
    'the application is disabled (AADSTS7000112)\nHave an admin of the tenant enable it: Enterprise applications, Properties.',
  ],
  [
    'another factor is wanted',
    () => {
      cloud.fault({
        endpoint: 'token',
        status: 400,
        body: {
          error: 'interaction_required',
          error_description: 'AADSTS50076: Due to a configuration change',
          suberror: 'basic_action',
        },
      });
    },
    'multifactor authentication is needed (AADSTS50076)\nSign in again in a browser: orgkey login.',
  ],
  [
    'something new is wanted',
    () => {
      cloud.fault({
        endpoint: 'token',
        status: 400,
        body: {error: 'interaction_required', error_description: 'AADSTS99: Dance.'},
      });
    },
    'the user must sign in again: Dance (ERR_INTERACTION_REQUIRED)\nRun orgkey login for the organization.',
  ],
];

for (const [title, spoil, expected] of refusals) {
  test.serial(`a refresh that is refused: ${title}; the refresh token stays`, async (t) => {
    const {app, acquire, identity, kept, keep} = person();
    const token = cloud.entra.createRefreshToken(app, ada);
    keep(token);
    const mend = spoil(app);
    const acquired = await acquire(identity);
    mend?.();
    t.is(told(acquired), expected);
    t.is(kept(), token);
  });
}

test.serial(
  'a refresh whose new refresh token cannot be kept still brings a token, and is reported',
  async (t) => {
    const {app, acquire, identity, kept, keep, refreshTokens, notKept} = person();
    const token = cloud.entra.createRefreshToken(app, ada);
    keep(token);
    refreshTokens.write = () => Promise.reject(new Error('no space is left'));
    t.is((await acquire(identity)).kind, 'token');
    t.is(kept(), token);
    t.deepEqual(notKept.map(String), ['Error: no space is left']);
  },
);

test.serial('signed out while a refresh is under way: the new refresh token is not kept', async (t) => {
  const {app, acquire, identity, kept, keep, refreshTokens} = person();
  keep(cloud.entra.createRefreshToken(app, ada));
  cloud.fault({endpoint: 'token', delay: 300});
  const acquiring = acquire(identity);
  await cloud.requests.waitFor({endpoint: 'token', client: app.clientId});
  await refreshTokens.remove(refreshTokenName(identity));
  t.is((await acquiring).kind, 'token');
  t.is(kept(), undefined);
});

test.serial('a refresh while Entra is down: tried three times, and the refresh token stays', async (t) => {
  const {app, acquire, identity, kept, keep} = person();
  const token = cloud.entra.createRefreshToken(app, ada);
  keep(token);
  cloud.fault({endpoint: 'token', reset: true, times: 'always'});
  const acquired = await acquire(identity);
  t.is(acquired.kind === 'failed' && acquired.failure.code, 'ERR_CONNECTION_LOST');
  t.is(cloud.requests.count({endpoint: 'token', client: app.clientId}), 3);
  t.is(kept(), token);
});

/** Sends this much, waits for something, and is gone. */
async function hangUp(
  port: string,
  text: string,
  after: () => Promise<unknown> = async () => {},
): Promise<void> {
  const socket = connect({host: '127.0.0.1', port: Number(port)});
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(text, resolve));
  await after();
  socket.resetAndDestroy();
  await once(socket, 'close');
}

/** Asks the port on loopback as no browser would; gives the status, or what became of the connection. */
function knock(
  redirect: URL,
  path: string,
  {host = redirect.host, body}: {host?: string; body?: string} = {},
): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: redirect.port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: {host},
      },
      (response) => {
        response.resume();
        resolve(String(response.statusCode));
      },
    );
    asked.on('error', (error) => resolve(error.message));
    asked.end(body);
  });
}
