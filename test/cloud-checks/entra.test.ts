import {
  X509Certificate,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import type {JsonWebKey} from 'node:crypto';
import {once} from 'node:events';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {text} from 'node:stream/consumers';
import test from 'ava';
import type {Macro} from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {createSigningKey, decodeJwt, isSignedBy, signJwt} from '../cloud/jwt.ts';

const cloud = await startCloud();
const tenant = cloud.addTenant({name: 'Contoso'});
const government = cloud.addTenant({name: 'State', authorityHost: 'login.microsoftonline.us'});
const other = cloud.addTenant({name: 'Fabrikam'});
const app = tenant.addApplication();
const disabled = tenant.addApplication();
disabled.disabled = true;
const old = tenant.addApplication();
old.expireSecrets();
const shared = tenant.addApplication({multitenant: true});
const client = tenant.addApplication({
  public: true,
  redirectUris: ['http://localhost', 'https://app.example.org/back'],
});
const ada = tenant.addUser({name: 'Ada'});
const cluster = cloud.addIssuer('https://cluster.example.org/');
const workload = tenant.addApplication({
  secret: false,
  federatedCredentials: [{issuer: cluster.url, subject: 'pod'}],
});
test.after.always(() => cloud.close());

const login = 'https://login.microsoftonline.com';
const devOps = '499b84ac-1321-427f-aa17-267ca6975798';
const scope = `${devOps}/.default`;
const credentials = {grant_type: 'client_credentials', scope};
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Answer = {status: number; json: Record<string, unknown>};

async function ask(path: string, form: Readonly<Record<string, string>>, host = login): Promise<Answer> {
  const {status, text} = await cloud.request(`${host}/${path}`, {form});
  return {status, json: JSON.parse(text) as Record<string, unknown>};
}

const token = (
  form: Readonly<Record<string, string>>,
  name: string = tenant.id,
  host = login,
): Promise<Answer> => ask(`${name}/oauth2/v2.0/token`, form, host);

const withAssertion = (assertion: string): Record<string, string> => ({
  ...credentials,
  client_id: workload.clientId,
  client_assertion_type: assertionType,
  client_assertion: assertion,
});

const stranger = createSigningKey('stranger', generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey);
const forged = signJwt({...decodeJwt(cluster.token({subject: 'pod'}))?.claims}, stranger);

const isRefused: Macro<
  [
    form: Readonly<Record<string, string>>,
    wanted: [status: number, error: string, number: number],
    place?: {tenant?: string; host?: string},
  ]
> = {
  exec: async (t, form, [status, error, number], place = {}) => {
    const answer = await token(form, place.tenant, place.host);
    t.like(answer, {status, json: {error, error_codes: [number]}});
    t.regex(
      String(answer.json['error_description']),
      new RegExp(`^AADSTS${number}: .* Trace ID: .* Correlation ID: .* Timestamp: `),
    );
    for (const field of ['timestamp', 'trace_id', 'correlation_id'])
      t.is(typeof answer.json[field], 'string');
  },
  title: (given, _, [status, error, number]) =>
    `${given ?? ''} is refused: ${status} ${error} AADSTS${number}`,
};

const own = {...credentials, client_id: app.clientId, client_secret: app.secret};
test('a wrong secret', isRefused, {...own, client_secret: 'wrong'}, [401, 'invalid_client', 7000215]);
test(
  'an expired secret',
  isRefused,
  {...credentials, client_id: old.clientId, client_secret: old.secrets[0]?.value ?? ''},
  [401, 'invalid_client', 7000222],
);
test('an unknown client', isRefused, {...own, client_id: '33333333-3333-3333-3333-333333333333'}, [
  400,
  'unauthorized_client',
  700016,
]);
test('a client of another tenant', isRefused, own, [400, 'unauthorized_client', 700016], {tenant: other.id});
test('an unknown tenant', isRefused, own, [400, 'invalid_request', 90002], {
  tenant: '44444444-4444-4444-4444-444444444444',
});
test('a tenant of another cloud', isRefused, own, [400, 'invalid_request', 90002], {tenant: government.id});
test('a disabled application', isRefused, {...own, client_id: disabled.clientId}, [
  400,
  'unauthorized_client',
  7000112,
]);
test('no secret at all', isRefused, {...credentials, client_id: app.clientId}, [
  401,
  'invalid_client',
  7000218,
]);
test('a secret of a public client', isRefused, {...own, client_id: client.clientId}, [
  401,
  'invalid_client',
  700025,
]);
test('a scope without .default', isRefused, {...own, scope: `${devOps}/vso.code`}, [
  400,
  'invalid_scope',
  1002012,
]);
test('two scopes', isRefused, {...own, scope: `${scope} https://vault.azure.net/.default`}, [
  400,
  'invalid_scope',
  70011,
]);
test('an unknown resource', isRefused, {...own, scope: 'api://nothing/.default'}, [
  400,
  'invalid_resource',
  500011,
]);
test(
  'no scope',
  isRefused,
  {grant_type: 'client_credentials', client_id: app.clientId, client_secret: app.secret},
  [400, 'invalid_request', 900144],
);
test('an unknown grant', isRefused, {...own, grant_type: 'password'}, [400, 'unsupported_grant_type', 70003]);
test(
  'an assertion of another issuer',
  isRefused,
  withAssertion(cloud.addIssuer('https://elsewhere.example.org/').token({subject: 'pod'})),
  [401, 'invalid_client', 700211],
);
test('another subject', isRefused, withAssertion(cluster.token({subject: 'other'})), [
  401,
  'invalid_client',
  700213,
]);
test('a subject in another case', isRefused, withAssertion(cluster.token({subject: 'Pod'})), [
  401,
  'invalid_client',
  7002138,
]);
test(
  'an assertion for another audience',
  isRefused,
  withAssertion(cluster.token({subject: 'pod', audience: 'api://other'})),
  [401, 'invalid_client', 700212],
);
test('an assertion that has ended', isRefused, withAssertion(cluster.token({subject: 'pod', life: -60})), [
  401,
  'invalid_client',
  700024,
]);
test('an assertion that another key signed', isRefused, withAssertion(forged), [400, 'invalid_grant', 50013]);
test('an assertion that is not a JWT', isRefused, withAssertion('a.b'), [400, 'invalid_request', 50027]);

async function certificateAssertion(
  change: {aud?: string; exp?: number; key?: 'other'} = {},
): Promise<Record<string, string>> {
  const {certificate, privateKey} = await cloud.createClientCertificate();
  const signing = change.key ? (await cloud.createClientCertificate()).privateKey : privateKey;
  const application = tenant.addApplication({secret: false, certificates: [certificate]});
  const thumbprint = createHash('sha1').update(new X509Certificate(certificate).raw).digest('base64url');
  const now = Math.floor(Date.now() / 1000);
  const assertion = signJwt(
    {
      iss: application.clientId,
      sub: application.clientId,
      aud: change.aud ?? `${login}/${tenant.id}/oauth2/v2.0/token`,
      nbf: now,
      exp: now + (change.exp ?? 600),
    },
    createSigningKey(thumbprint, createPrivateKey(signing)),
  );
  return {...withAssertion(assertion), client_id: application.clientId};
}

test('a certificate assertion is accepted, and rejected if a part is wrong', async (t) => {
  t.is((await token(await certificateAssertion())).status, 200);
  t.deepEqual(
    (await token(await certificateAssertion({aud: 'https://elsewhere'}))).json['error_codes'],
    [700023],
  );
  t.deepEqual((await token(await certificateAssertion({exp: -10}))).json['error_codes'], [700024]);
  t.deepEqual((await token(await certificateAssertion({key: 'other'}))).json['error_codes'], [700027]);
});

test('tokens can be checked with the published keys', async (t) => {
  const {json} = await token(own);
  const configuration = await cloud.request(`${login}/${tenant.id}/v2.0/.well-known/openid-configuration`);
  const {jwks_uri: address, issuer} = JSON.parse(configuration.text) as {jwks_uri: string; issuer: string};
  t.is(issuer, `${login}/${tenant.id}/v2.0`);
  const {keys} = JSON.parse((await cloud.request(address)).text) as {keys: [JsonWebKey]};
  const jwt = decodeJwt(String(json['access_token']));
  t.true(jwt !== undefined && isSignedBy(jwt, createPublicKey({key: keys[0], format: 'jwk'})));
  t.like(jwt?.claims, {aud: devOps, tid: tenant.id, appid: app.clientId, oid: app.objectId});
  t.is(json['expires_in'], 3599);
});

test('a multitenant application has another object id in each tenant', async (t) => {
  const form = {...credentials, client_id: shared.clientId, client_secret: shared.secret};
  const ids = await Promise.all(
    [tenant, other].map(
      async ({id}) => decodeJwt(String((await token(form, id)).json['access_token']))?.claims['oid'],
    ),
  );
  t.deepEqual(ids, [shared.principal(tenant).objectId, shared.principal(other).objectId]);
  t.not(ids[0], ids[1]);
});

function discover(host: string): ReturnType<typeof cloud.request> {
  const endpoint = `https://${host}/${tenant.id}/oauth2/v2.0/authorize`;
  return cloud.request(
    `${login}/common/discovery/instance?api-version=1.1&authorization_endpoint=${endpoint}`,
  );
}

test('instance discovery knows the real hosts only', async (t) => {
  t.is((await discover('login.microsoftonline.com')).status, 200);
  t.is((await discover('login.microsoftonline.us')).status, 200);
  const unknown = await discover('login.example.org');
  t.is(unknown.status, 400);
  t.regex(unknown.text, /invalid_instance/);
});

async function signIn(
  mode: 'query' | 'form_post',
  options: {scope?: string; decline?: boolean} = {},
): Promise<{answer: Record<string, string>; verifier: string; redirectUri: string}> {
  const received = Promise.withResolvers<Record<string, string>>();
  const server = createServer((request, response) => {
    const content = request.method === 'POST' ? text(request) : (request.url ?? '').split('?')[1];
    received.resolve(
      Promise.resolve(content).then((fields) => Object.fromEntries(new URLSearchParams(fields))),
    );
    response.end('done');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://localhost:${(server.address() as AddressInfo).port}`;
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    response_mode: mode,
    scope: options.scope ?? `${scope} openid offline_access`,
    state: 'state <1>',
    nonce: 'nonce',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const url = `${login}/${tenant.id}/oauth2/v2.0/authorize?${query.toString()}`;
  await cloud.browse(url, ada, {decline: options.decline ?? false});
  const answer = await received.promise;
  server.close();
  return {answer, verifier, redirectUri};
}

for (const mode of ['query', 'form_post'] as const)
  test(`a person signs in by ${mode}, and the refresh token serves until it is revoked`, async (t) => {
    const {answer, verifier, redirectUri} = await signIn(mode);
    t.is(answer['state'], 'state <1>');
    const form = {
      grant_type: 'authorization_code',
      client_id: client.clientId,
      code: answer['code'] ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
      client_info: '1',
    };
    t.deepEqual((await token({...form, code_verifier: 'wrong'})).json['error_codes'], [501481]);
    const {status, json} = await token(form);
    t.is(status, 200);
    t.like(decodeJwt(String(json['id_token']))?.claims, {
      nonce: 'nonce',
      aud: client.clientId,
      preferred_username: ada.userPrincipalName,
    });
    t.like(decodeJwt(String(json['access_token']))?.claims, {
      scp: 'user_impersonation',
      upn: ada.userPrincipalName,
    });
    t.deepEqual((await token(form)).json['error_codes'], [54005]);
    const refresh = {
      grant_type: 'refresh_token',
      client_id: client.clientId,
      scope,
      refresh_token: String(json['refresh_token']),
    };
    t.is((await token(refresh)).status, 200);
    cloud.revoke(refresh.refresh_token);
    t.like(await token(refresh), {status: 400, json: {error: 'invalid_grant', error_codes: [50173]}});
  });

test('a cancelled sign-in is reported', async (t) => {
  const {answer} = await signIn('query', {decline: true});
  t.is(answer['error'], 'access_denied');
  t.regex(answer['error_description'] ?? '', /AADSTS65004/);
});

test('a scope without its resource means another resource, which does not have it', async (t) => {
  const {answer} = await signIn('query', {scope: 'vso.code'});
  t.regex(answer['error_description'] ?? '', /AADSTS650053/);
});

test('an address that is not registered gets nothing', async (t) => {
  const query = new URLSearchParams({
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: 'https://evil.example.org',
    scope,
  });
  const {status, page, addresses} = await cloud.browse(
    `${login}/${tenant.id}/oauth2/v2.0/authorize?${query.toString()}`,
    ada,
  );
  t.is(status, 400);
  t.regex(page, /AADSTS50011/);
  t.is(addresses.length, 1);
});

test('an application of one tenant is refused at the common address', async (t) => {
  const query = new URLSearchParams({
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: 'http://localhost',
    scope,
  });
  const {page} = await cloud.browse(`${login}/common/oauth2/v2.0/authorize?${query.toString()}`, ada);
  t.regex(page, /AADSTS50194/);
  const {json} = await ask('organizations/oauth2/v2.0/devicecode', {client_id: client.clientId, scope});
  t.deepEqual(json['error_codes'], [50194]);
  t.deepEqual((await token(own, 'common')).json['error_codes'], [50059]);
});

test('refresh tokens can end in other ways', async (t) => {
  const person = tenant.addUser({name: 'Grace'});
  const application = tenant.addApplication({public: true});
  const form = {
    grant_type: 'refresh_token',
    client_id: application.clientId,
    scope,
    refresh_token: cloud.entra.createRefreshToken(application, person),
  };
  const numbers = async (): Promise<unknown> => (await token(form)).json['error_codes'];
  application.consented = false;
  t.deepEqual(await numbers(), [65001]);
  application.consented = true;
  person.disabled = true;
  t.deepEqual(await numbers(), [50057]);
  person.disabled = false;
  cloud.entra.endRefreshTokens('expired', person);
  t.deepEqual(await numbers(), [700082]);
  t.deepEqual((await token({...form, refresh_token: 'nonsense'})).json['error_codes'], [70000]);
});

async function startDevice(): Promise<{code: string; poll: Record<string, string>}> {
  const {json} = await ask(`${tenant.id}/oauth2/v2.0/devicecode`, {client_id: client.clientId, scope});
  const poll = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: client.clientId,
    device_code: String(json['device_code']),
  };
  return {code: String(json['user_code']), poll};
}

test('a device code waits, and can be declined or expire', async (t) => {
  const first = await startDevice();
  t.like(await token(first.poll), {
    status: 400,
    json: {error: 'authorization_pending', error_codes: [70016]},
  });
  cloud.entra.approveDevice(first.code, ada);
  t.is((await token(first.poll)).status, 200);
  const second = await startDevice();
  cloud.entra.declineDevice(second.code);
  t.like(await token(second.poll), {status: 400, json: {error: 'authorization_declined'}});
  const third = await startDevice();
  cloud.entra.expireDevice(third.code);
  t.like(await token(third.poll), {status: 400, json: {error: 'expired_token', error_codes: [70019]}});
});

test('a user’s token is rejected as an assertion', async (t) => {
  const target = tenant.addApplication({
    secret: false,
    federatedCredentials: [{issuer: tenant.issuer, subject: ada.objectId}],
  });
  const assertion = cloud.createToken(ada, {resource: 'api://AzureADTokenExchange'});
  const {json} = await token({...withAssertion(assertion), client_id: target.clientId});
  t.deepEqual(json['error_codes'], [700229]);
});
