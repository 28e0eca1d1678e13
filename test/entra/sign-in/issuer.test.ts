import {createHash} from 'node:crypto';
import {inspect} from 'node:util';
import test from 'ava';
import type {HttpClient} from '../../../src/entra/http/http-client.ts';
import {signInWithDeviceCode} from '../../../src/entra/sign-in/device-code.ts';
import {Issuer} from '../../../src/entra/sign-in/issuer.ts';
import {exchangeAudienceOf} from '../../../src/entra/token-credential.ts';
import {AcquirerError} from '../../../src/entra/failure.ts';
import {codeOf} from '../../../src/text/orgkey-error.ts';

/** Answers every question with this document. */
function answering(document: object, asked: string[] = []) {
  return {
    failure: undefined,
    skew: undefined,
    conceal: (secret: string) => secret,
    ask: async ({url}: Parameters<HttpClient['ask']>[0]) => {
      asked.push(url);
      return {status: 200, headers: {}, text: JSON.stringify(document), isCut: false, skew: undefined};
    },
  };
}

function jobFor(issuer: string) {
  return {task: 'browser', fields: {issuer, clientId: 'app', scope: 'a/.default'}, secrets: {}} as const;
}

const microsoft = 'https://login.microsoftonline.com';

const begun = {redirectUri: 'http://localhost:1', state: 's', nonce: 'n', verifier: 'v'};

test('Entra’s addresses follow from its issuer, without a request', async (t) => {
  const asked: string[] = [];
  const base = `${microsoft}/contoso.example/oauth2/v2.0`;
  const issuer = await Issuer.of(jobFor(`${microsoft}/contoso.example/v2.0`), answering({}, asked));
  const address = new URL(await issuer.signInAddress(begun));
  t.is(`${address.origin}${address.pathname}`, `${base}/authorize`);
  t.deepEqual(Object.fromEntries(address.searchParams), {
    client_id: 'app',
    response_type: 'code',
    response_mode: 'form_post',
    redirect_uri: 'http://localhost:1',
    scope: 'a/.default openid profile offline_access',
    state: 's',
    nonce: 'n',
    // of "v"
    code_challenge: createHash('sha256').update('v').digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'select_account',
  });
  t.deepEqual(asked, []);
});

const document = {
  issuer: 'https://issuer.example/realm',
  authorization_endpoint: 'https://issuer.example/authorize',
  token_endpoint: 'https://issuer.example/token',
};

for (const issuer of [document.issuer, `${document.issuer}/`]) {
  test(`another issuer is asked for its addresses: ${issuer}`, async (t) => {
    const asked: string[] = [];
    const found = await Issuer.of(jobFor(issuer), answering(document, asked));
    const address = new URL(await found.signInAddress(begun));
    t.is(`${address.origin}${address.pathname}`, document.authorization_endpoint);
    t.is(address.searchParams.get('response_mode'), 'query');
    t.deepEqual(asked, ['https://issuer.example/realm/.well-known/openid-configuration']);
  });
}

for (const [title, issuer, found, code] of [
  ['in the clear', 'http://issuer.example', document, 'ERR_ISSUER'],
  [
    'of another issuer',
    document.issuer,
    {...document, issuer: 'https://evil.example'},
    'ERR_UNUSABLE_ANSWER',
  ],
  ['without issuer', document.issuer, {...document, issuer: undefined}, 'ERR_UNUSABLE_ANSWER'],
  [
    'with a token endpoint in the clear',
    document.issuer,
    {...document, token_endpoint: 'http://issuer.example/'},
    'ERR_ISSUER',
  ],
  [
    'without an authorization endpoint',
    document.issuer,
    {...document, authorization_endpoint: undefined},
    'ERR_ISSUER',
  ],
] as const) {
  test(`a configuration ${title} is refused`, async (t) => {
    const error = await t.throwsAsync(Issuer.of(jobFor(issuer), answering(found)), {
      instanceOf: AcquirerError,
    });
    t.is(codeOf(error), code);
  });
}

for (const [title, endpoint, code] of [
  ['without a device endpoint', undefined, 'ERR_NO_DEVICE_CODE'],
  ['with a device endpoint in the clear', 'http://issuer.example/device', 'ERR_ISSUER'],
] as const) {
  test(`a device code of an issuer ${title}: ${code}`, async (t) => {
    const found = {...document, device_authorization_endpoint: endpoint};
    const issuer = await Issuer.of(jobFor(document.issuer), answering(found));
    const error = await t.throwsAsync(issuer.deviceCode(), {instanceOf: AcquirerError});
    t.is(codeOf(error), code);
  });
}

for (const [interval, paused] of [
  [undefined, 5],
  [1, 1],
  [0.001, 1],
  [60, 60],
  [61, 60],
  [2 ** 31, 60],
] as const)
  test(`an issuer that wants ${interval ?? 'the usual'} s between questions is asked after ${paused} s`, async (t) => {
    const issuer = 'https://issuer.example/realm';
    const code = {
      ...document,
      device_authorization_endpoint: `${issuer}/device`,
      device_code: 'd',
      user_code: 'u',
      verification_uri: `${issuer}/type`,
      expires_in: 900,
      interval,
    };
    const pauses: number[] = [];
    const stop = new Error('stop');
    const signIn = signInWithDeviceCode(
      jobFor(issuer),
      answering(code),
      () => undefined,
      async (milliseconds) => {
        pauses.push(milliseconds);
        throw stop;
      },
    );
    t.is(await t.throwsAsync(signIn), stop);
    t.deepEqual(pauses, [paused * 1000]);
  });

const tid = '8f000000-0000-4000-8000-000000000001';
const seconds = Math.floor(Date.now() / 1000);
const good = {
  iss: `${microsoft}/${tid}/v2.0`,
  tid,
  aud: 'app',
  nonce: 'n',
  sub: 'ada',
  iat: seconds,
  exp: seconds + 3600,
  preferred_username: 'ada@contoso.example',
};

/** Issuers answer a token request with such a document. */
function granting(claims: object, header: object = {alg: 'RS256'}) {
  const token = [header, {...good, ...claims}].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return answering({access_token: 'a', token_type: 'Bearer', id_token: `${token.join('.')}.c2ln`});
}

type Redeem = (issuer: Issuer) => ReturnType<Issuer['refresh']>;

const ways: readonly (readonly [title: string, redeem: Redeem])[] = [
  ['in the browser', (issuer) => issuer.redeem(new URLSearchParams({code: 'c', state: 's'}), begun)],
  ['with a device code', (issuer) => issuer.redeemDevice('d')],
  ['by a refresh token', (issuer) => issuer.refresh('r')],
];

const tenants = [
  `${microsoft}/${tid}/v2.0`,
  `${microsoft}/contoso.example/v2.0`,
  `${microsoft}/organizations/v2.0`,
  'https://login.windows.net/contoso.example/v2.0',
];

for (const [title, redeem] of ways) {
  for (const issuer of tenants) {
    test(`${title}: an ID token of ${issuer} is accepted`, async (t) => {
      const grant = await redeem(await Issuer.of(jobFor(issuer), granting({})));
      t.deepEqual(grant, {
        accessToken: 'a',
        refreshToken: undefined,
        username: 'ada@contoso.example',
        tenantId: tid,
      });
    });
  }

  for (const [claims, code] of [
    [{iss: 'https://evil.example/v2.0'}, 'ERR_ID_TOKEN'],
    [{iss: `${microsoft}/${tid.replace('1', '2')}/v2.0`}, 'ERR_ID_TOKEN'],
    [{iss: undefined}, 'ERR_UNUSABLE_ANSWER'],
    [{aud: 'another'}, 'ERR_NONCE'],
    [{aud: ['app', 'another']}, 'ERR_NONCE'],
    [{aud: undefined}, 'ERR_UNUSABLE_ANSWER'],
    [{exp: seconds - 3600}, 'ERR_ID_TOKEN'],
    [{exp: undefined}, 'ERR_UNUSABLE_ANSWER'],
    [{exp: 'never'}, 'ERR_UNUSABLE_ANSWER'],
    [{nbf: seconds + 3600}, 'ERR_ID_TOKEN'],
    [{sub: undefined}, 'ERR_UNUSABLE_ANSWER'],
  ] as const) {
    test(`${title}: an ID token with ${inspect(claims)} is not: ${code}`, async (t) => {
      const issuer = await Issuer.of(jobFor(`${microsoft}/${tid}/v2.0`), granting(claims));
      const error = await t.throwsAsync(redeem(issuer), {instanceOf: AcquirerError});
      t.is(codeOf(error), code);
    });
  }

  test(`${title}: an ID token without a signature is not accepted`, async (t) => {
    const issuer = await Issuer.of(jobFor(`${microsoft}/${tid}/v2.0`), granting({}, {alg: 'none'}));
    const error = await t.throwsAsync(redeem(issuer), {instanceOf: AcquirerError});
    t.is(codeOf(error), 'ERR_UNUSABLE_ANSWER');
  });
}

for (const nonce of ['another', undefined]) {
  test(`in the browser: an ID token with the nonce ${String(nonce)} is not accepted`, async (t) => {
    const [, redeem] = ways[0] ?? t.fail();
    const issuer = await Issuer.of(jobFor(`${microsoft}/${tid}/v2.0`), granting({nonce}));
    const error = await t.throwsAsync(redeem(issuer), {instanceOf: AcquirerError});
    t.is(codeOf(error), nonce === undefined ? 'ERR_UNUSABLE_ANSWER' : 'ERR_NONCE');
  });
}

test('a clock that is wrong by an hour does not spoil a sign-in', async (t) => {
  const early = {...granting({iat: seconds - 3600, exp: seconds - 1800}), skew: 3_600_000};
  const issuer = await Issuer.of(jobFor(`${microsoft}/${tid}/v2.0`), early);
  t.is((await issuer.refresh('r')).tenantId, tid);
});

test('a callback of another issuer is not redeemed', async (t) => {
  const asked: string[] = [];
  const issuer = await Issuer.of(jobFor(`${microsoft}/${tid}/v2.0`), answering({}, asked));
  const callback = new URLSearchParams({code: 'c', state: 's', iss: 'https://evil.example'});
  await t.throwsAsync(issuer.redeem(callback, begun), {instanceOf: AcquirerError});
  t.deepEqual(asked, []);
});

for (const [authority, audience] of [
  ['https://login.microsoftonline.com', 'api://AzureADTokenExchange/.default'],
  ['https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov/.default'],
  ['https://login.partner.microsoftonline.cn', 'api://AzureADTokenExchangeChina/.default'],
  ['https://entra.contoso.example', 'api://AzureADTokenExchange/.default'],
] as const) {
  test(`who client tokens at ${authority}`, (t) => t.is(exchangeAudienceOf(authority), audience));
}
