import test from 'ava';
import {signIn} from '../../src/entra/sign-in/sign-in.ts';
import {refreshTokenName} from '../../src/entra/sign-in/refresh-tokens.ts';
import {startCloud} from '../cloud/cloud.ts';
import {publicKeyOf, thumbprintsOf} from '../cloud/certificates.ts';
import {acquiringFrom, held, told} from '../helpers/acquiring.ts';
import {addJudge, visit} from '../helpers/judge.ts';

const cloud = await startCloud();
const certificate = await cloud.createClientCertificate();
const stranger = await cloud.createClientCertificate();
const CLIENT = '11111111-1111-4111-8111-111111111111';
const TENANT = '22222222-2222-4222-8222-222222222222';
const authority = {authorityHost: 'https://login.judge.example', disableInstanceDiscovery: true};

const {sha1, sha256} = thumbprintsOf(certificate.certificate);
const jwk = publicKeyOf(certificate.certificate).export({format: 'jwk'});
const assertionFaults = await addJudge(cloud, {
  issuer: `${authority.authorityHost}/${TENANT}/v2.0`,
  clients: [
    {
      client_id: CLIENT,
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: '499b84ac-1321-427f-aa17-267ca6975798/.default',
      jwks: {keys: [{...jwk, use: 'sig', x5t: sha1, 'x5t#S256': sha256}]},
    },
  ],
});

const people = 'https://id.judge.example';
const signInFaults = await addJudge(cloud, {
  issuer: people,
  clients: [
    {
      client_id: CLIENT,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      redirect_uris: ['http://localhost'],
      response_types: ['code'],
      scope: 'openid offline_access profile 499b84ac-1321-427f-aa17-267ca6975798/.default',
    },
  ],
});

test.after.always(() => cloud.close());

for (const [title, pem, isTaken] of [
  ['of the registered certificate', certificate.pem, true],
  ['of another certificate', stranger.pem, false],
] as const) {
  test.serial(`an independent issuer judges the client assertion ${title}`, async (t) => {
    const {acquire} = acquiringFrom(cloud, {authority});
    const acquired = await acquire({
      kind: 'client-certificate',
      clientId: CLIENT,
      tenantId: TENANT,
      clientCertificate: held(pem),
      clientCertificatePassword: undefined,
    });
    t.is(acquired.kind, isTaken ? 'token' : 'failed', `${told(acquired)} ${assertionFaults.join('; ')}`);
    if (!isTaken) t.regex(told(acquired), /ERR_INVALID_CLIENT/);
  });
}

for (const method of ['browser', 'device-code'] as const) {
  test.serial(`an independent issuer signs a user in by ${method}, and renews`, async (t) => {
    const acquiring = acquiringFrom(cloud);
    const identity = {
      kind: 'sign-in',
      key: method,
      method,
      issuer: people,
      clientId: CLIENT,
      clientSecret: undefined,
      scopes: [],
    } as const;
    let visited: Promise<string> | undefined;
    const signedIn = await signIn(identity, acquiring, {
      onEvent: (event) => {
        visited =
          'openUrl' in event
            ? visit(cloud, event.openUrl)
            : visit(cloud, event.deviceCode.url, {user_code: event.deviceCode.code});
      },
    });
    const why = signInFaults.join('; ');
    t.is(signedIn.kind, 'signed-in', `${signedIn.kind === 'failed' ? told(signedIn) : ''} ${why}`);
    t.is(signedIn.kind === 'signed-in' && signedIn.username, 'ada@judge.example');
    t.regex(String(await visited), method === 'browser' ? /You are signed in/ : /connected/);
    const kept = acquiring.refreshTokens.held.get(refreshTokenName(identity));
    const acquired = await acquiring.acquire(identity);
    t.is(acquired.kind, 'token', `${told(acquired)} ${why}`);
    t.not(acquiring.refreshTokens.held.get(refreshTokenName(identity)), kept, 'the refresh token is rotated');
  });
}

test.serial('an independent issuer asks for the proof of the code’s owner', async (t) => {
  const query = new URLSearchParams({
    client_id: CLIENT,
    response_type: 'code',
    redirect_uri: 'http://localhost:1',
    scope: 'openid',
  });
  const {headers} = await cloud.request(`${people}/auth?${query.toString()}`);
  t.regex(decodeURIComponent(String(headers.location)), /PKCE/);
});
