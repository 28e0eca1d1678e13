import test from 'ava';
import type {HttpClient, Reply} from '../../../src/entra/http/http-client.ts';
import {claimsOf, createPkce, endpointsOf} from '../../../src/entra/sign-in/issuer.ts';
import {exchangeAudienceOf} from '../../../src/entra/token-credential.ts';
import {AcquirerError} from '../../../src/entra/failure.ts';

/** Answers every question with this document. */
function answering(document: object, asked: string[] = []): Pick<HttpClient, 'ask' | 'failure' | 'conceal'> {
  const reply: Reply = {status: 200, headers: {}, text: JSON.stringify(document)};
  return {
    failure: undefined,
    conceal: (secret) => secret,
    ask: async ({url}) => {
      asked.push(url);
      return reply;
    },
  };
}

test('Entra’s addresses follow from its issuer, without a request', async (t) => {
  const asked: string[] = [];
  const base = 'https://login.microsoftonline.com/contoso.example/oauth2/v2.0';
  t.deepEqual(
    await endpointsOf('https://login.microsoftonline.com/contoso.example/v2.0', answering({}, asked)),
    {
      authorize: `${base}/authorize`,
      token: `${base}/token`,
      deviceCode: `${base}/devicecode`,
      formPost: true,
    },
  );
  t.deepEqual(asked, []);
});

const document = {
  issuer: 'https://issuer.example/realm',
  authorization_endpoint: 'https://issuer.example/authorize',
  token_endpoint: 'https://issuer.example/token',
};

test('another issuer is asked for its addresses', async (t) => {
  const asked: string[] = [];
  t.deepEqual(await endpointsOf('https://issuer.example/realm/', answering(document, asked)), {
    authorize: 'https://issuer.example/authorize',
    token: 'https://issuer.example/token',
    deviceCode: undefined,
    formPost: false,
  });
  t.deepEqual(asked, ['https://issuer.example/realm/.well-known/openid-configuration']);
});

for (const [title, issuer, found] of [
  ['in the clear', 'http://issuer.example', document],
  ['of another issuer', 'https://issuer.example/realm', {...document, issuer: 'https://evil.example'}],
  ['without issuer', 'https://issuer.example/realm', {...document, issuer: undefined}],
  [
    'with a token endpoint in the clear',
    'https://issuer.example/realm',
    {...document, token_endpoint: 'http://issuer.example/'},
  ],
  [
    'without an authorization endpoint',
    'https://issuer.example/realm',
    {...document, authorization_endpoint: undefined},
  ],
  [
    'with a device endpoint in the clear',
    'https://issuer.example/realm',
    {...document, device_authorization_endpoint: 'http://x/'},
  ],
] as const) {
  test(`a configuration ${title} is refused`, async (t) => {
    await t.throwsAsync(endpointsOf(issuer, answering(found)), {instanceOf: AcquirerError});
  });
}

test('PKCE: the challenge is the hash of the verifier, and no two are the same', (t) => {
  const [one, other] = [createPkce(), createPkce()];
  t.regex(one.verifier, /^[\w-]{43}$/);
  t.regex(one.challenge, /^[\w-]{43}$/);
  t.not(one.verifier, other.verifier);
});

for (const token of ['', '.', 'a.b.c', 'e30', `e30.${Buffer.from('7').toString('base64url')}.`]) {
  test(`an invalid ID token has no claims: ${token}`, (t) => t.deepEqual(claimsOf(token), {}));
}

for (const [authority, audience] of [
  ['https://login.microsoftonline.com', 'api://AzureADTokenExchange/.default'],
  ['https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov/.default'],
  ['https://login.partner.microsoftonline.cn', 'api://AzureADTokenExchangeChina/.default'],
  ['https://entra.contoso.example', 'api://AzureADTokenExchange/.default'],
] as const) {
  test(`who client tokens at ${authority}`, (t) => t.is(exchangeAudienceOf(authority), audience));
}
