import {createHash, randomBytes} from 'node:crypto';
import {readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {User} from '../cloud/directory.ts';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';
import {gitWorld} from '../helpers/git-world.ts';
import {until} from '../helpers/patience.ts';
import {claimsIn, eraseFor, getFor, passwordIn} from '../helpers/requests.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {cloudForSerial} from '../helpers/cloud-for.ts';

/**
 * A user's sign-in, from the first `login` to `logout`, across restarts of the daemon. Serial: the tests share the
 * cloud's requests and faults.
 */

const cloud = await cloudForSerial();

const tenant = cloud.addTenant();
const ada = tenant.addUser({name: 'Ada'});
const contoso = cloud.addOrganization('contoso', {tenant, members: [ada]});
const site = contoso.addRepository('web/site', {files: {a: 'a'}});

interface Start {
  readonly directory: string;
  readonly configuration?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function signInWith(method: 'browser' | 'device-code', more = ''): string {
  const app = tenant.addApplication({public: true});
  return `integrations: {azure: [{credentials: [{organizations: [contoso], signIn: ${method}, tenantId: ${tenant.id}, clientId: ${app.clientId}${more}}]}]}\n`;
}

/** Does what `orgkey login` does, and approves the sign-in as this user. */
function login(daemon: TestDaemon, person: User, account?: string) {
  return daemon.call('login', {organization: 'contoso', account}, (event) => {
    if (event.event !== 'login') return;
    if ('openUrl' in event) void cloud.browse(event.openUrl, person);
    else cloud.entra.approveDevice(event.deviceCode.code, person);
  });
}

/** Returns the user whose token git gets. */
async function servedUser(daemon: TestDaemon): Promise<unknown> {
  return claimsIn(passwordIn(await daemon.ask(getFor('contoso'))))['name'];
}

function servedTo(): (string | undefined)[] {
  return cloud.requests.filter({endpoint: 'git', status: 200}).map(({principal}) => principal);
}

function grants(): (string | undefined)[] {
  return cloud.requests.filter({endpoint: 'token', status: 200}).map(({grant}) => grant);
}

for (const [method, grant] of [
  ['browser', 'authorization_code'],
  ['device-code', 'urn:ietf:params:oauth:grant-type:device_code'],
] as const) {
  test.serial(`a sign-in by ${method} survives a refresh and a restart, and ends with logout`, async (t) => {
    const {home, daemon} = await gitWorld(t, cloud, {
      directory: scratchDirectory(t),
      configuration: signInWith(method),
    });
    const before = await home.git(['ls-remote', site.url]);
    t.regex(
      before.stderr,
      /^orgkey: error: contoso: sign in .*: no user has signed in yet \(ERR_NOT_SIGNED_IN\)$/m,
    );
    t.regex(before.stderr, /^orgkey: hint: run: orgkey login contoso$/m);

    t.like(await login(daemon, ada), {kind: 'signed-in', account: ada.userPrincipalName});
    t.deepEqual(grants(), [grant, 'refresh_token']);
    if (method === 'browser') checkProofs(t);
    await home.succeed(['ls-remote', site.url]);
    t.is(servedTo()[0], 'Ada');

    // each refresh brings another refresh token, which is stored
    const first = refreshTokenSent();
    await daemon.call('clear', undefined);
    await home.succeed(['ls-remote', site.url]);
    t.not(refreshTokenSent(), first);
    t.is(await daemon.stop(), 0);
    const next = await gitWorld(t, cloud, {directory: daemon.directory});
    await next.home.succeed(['ls-remote', site.url]);
    t.is(new Set(refreshTokensSent()).size, 3);

    t.deepEqual(await next.daemon.call('logout', {organization: 'contoso'}), {wasSignedIn: true});
    const after = await next.home.git(['ls-remote', site.url]);
    t.regex(after.stderr, /no user has signed in yet \(ERR_NOT_SIGNED_IN\)/);
    t.deepEqual(secretsOf(daemon), [], 'the disk has nothing of it');
  });
}

/** Checks PKCE, and a state and a nonce that cannot be guessed. */
function checkProofs(t: ExecutionContext): void {
  const [asked] = cloud.requests.filter({endpoint: 'authorize'});
  const [redeemed] = cloud.requests.filter({endpoint: 'token', grant: 'authorization_code'});
  const {
    code_challenge: challenge,
    code_challenge_method: method,
    state = '',
    nonce = '',
  } = asked?.query ?? {};
  t.is(method, 'S256');
  const verifier = redeemed?.form['code_verifier'] ?? '';
  t.is(createHash('sha256').update(verifier).digest('base64url'), challenge ?? '');
  t.true(state.length >= 43 && nonce.length >= 43 && verifier.length >= 43);
}

test.serial('a sign-out or a sign-in of another user drops every token of the user before', async (t) => {
  const app = tenant.addApplication({public: true});
  const grace = tenant.addUser({name: 'Grace'});
  const item = (organization: string, method: string) =>
    `{organizations: [${organization}], signIn: ${method}, tenantId: ${tenant.id}, clientId: ${app.clientId}}`;
  const daemon = await start(t, {
    directory: scratchDirectory(t),
    configuration: `integrations: {azure: [{credentials: [${item('contoso', 'device-code')}, ${item('fabrikam', 'browser')}]}]}\n`,
  });
  const whose = async () => {
    const people: unknown[] = [];
    for (const organization of ['contoso', 'fabrikam']) {
      for (const scope of [undefined, 'https://graph.microsoft.com/.default']) {
        const result = await daemon.call('token', {organization, scope});
        people.push(result.kind === 'token' ? claimsIn(result.token)['name'] : result.code);
      }
    }
    return people;
  };
  await login(daemon, ada);
  t.deepEqual(
    await whose(),
    Array.from({length: 4}, () => 'Ada'),
  );
  await login(daemon, grace, grace.userPrincipalName);
  t.deepEqual(
    await whose(),
    Array.from({length: 4}, () => 'Grace'),
  );
  t.deepEqual(await daemon.call('logout', {organization: 'contoso'}), {wasSignedIn: true});
  t.deepEqual(
    await whose(),
    Array.from({length: 4}, () => 'ERR_NOT_SIGNED_IN'),
  );
});

test.serial('a user who is not asked does not replace another one', async (t) => {
  const directory = scratchDirectory(t);
  const daemon = await start(t, {directory, configuration: signInWith('device-code')});
  const grace = tenant.addUser({name: 'Grace'});
  t.like(await login(daemon, grace, ada.userPrincipalName), {kind: 'failed', code: 'ERR_OTHER_ACCOUNT'});
  t.deepEqual(secretsOf(daemon), [], 'nothing is kept of a user who was not expected');
  t.like(await login(daemon, ada, ada.userPrincipalName.toUpperCase()), {kind: 'signed-in'});
  const refused = await login(daemon, grace);
  t.like(refused, {kind: 'failed', code: 'ERR_OTHER_ACCOUNT'});
  t.true(JSON.stringify(refused).includes(`--account ${grace.userPrincipalName}`));
  t.is(await servedUser(daemon), 'Ada');
  await daemon.stop();
  const next = await start(t, {directory});
  t.like(await login(next, grace), {code: 'ERR_OTHER_ACCOUNT'}, 'after a restart too');
  t.like(await login(next, ada), {kind: 'signed-in'}, 'the same user again');
  await next.call('logout', {organization: 'contoso'});
  t.like(await login(next, grace), {kind: 'signed-in'}, 'after a logout there is no other account');
  t.is(await servedUser(next), 'Grace');
});

for (const [isYes, kept] of [
  [true, 'Grace'],
  [false, 'Ada'],
] as const) {
  test.serial(`a user who says ${isYes ? 'yes' : 'no'} to another account keeps ${kept}`, async (t) => {
    const daemon = await start(t, {directory: scratchDirectory(t), configuration: signInWith('device-code')});
    const grace = tenant.addUser({name: 'Grace'});
    await login(daemon, ada);
    const asked: unknown[] = [];
    const result = await daemon.call('login', {organization: 'contoso', isInteractive: true}, (event) => {
      if (event.event === 'login' && 'deviceCode' in event)
        cloud.entra.approveDevice(event.deviceCode.code, grace);
      if (event.event !== 'other-account') return;
      asked.push([event.account, event.known]);
      void daemon.call('answer', {question: event.question, isYes});
    });
    t.deepEqual(asked, [[grace.userPrincipalName, ada.userPrincipalName]]);
    t.is(result.kind, isYes ? 'signed-in' : 'failed');
    t.is(await servedUser(daemon), kept);
  });
}

test.serial('a rejection of one user is not explained to the next', async (t) => {
  const daemon = await start(t, {directory: scratchDirectory(t), configuration: signInWith('device-code')});
  await login(daemon, ada);
  cloud.fault({endpoint: 'azure-devops', status: 401, times: 'always'});
  for (let rejections = 0; rejections < 2; rejections++)
    await daemon.ask(eraseFor('contoso', passwordIn(await daemon.ask(getFor('contoso')))));
  t.regex(await daemon.ask(getFor('contoso')), /\(ERR_NOT_ACCEPTED\)/);
  cloud.clearFaults();
  const heidi = tenant.addUser({name: 'Heidi'});
  await login(daemon, heidi, heidi.userPrincipalName);
  t.is(await servedUser(daemon), 'Heidi');
});

for (const [title, spoil, error, hint] of [
  [
    'revoked',
    () => cloud.entra.endRefreshTokens('revoked'),
    /the grant was revoked \(AADSTS50173\)$/m,
    /^orgkey: hint: Sign in again: orgkey login contoso\.$/m,
  ],
  [
    'of a disabled user',
    () => {
      ada.disabled = true;
    },
    /the account is disabled \(AADSTS50057\)$/m,
    /^orgkey: hint: Have an admin of the tenant enable it\.$/m,
  ],
  [
    'while Entra is down',
    () => void cloud.fault({endpoint: 'token', reset: true, times: 'always'}),
    /the connection to login\.microsoftonline\.com.* was cut \(ECONNRESET\) \(ERR_CONNECTION_LOST\)$/m,
    /^orgkey: hint: orgkey tries again/m,
  ],
] as const) {
  test.serial(`a sign-in ${title} is explained to git and not lost`, async (t) => {
    const {home, daemon} = await gitWorld(t, cloud, {configuration: signInWith('device-code')});
    await login(daemon, ada);
    spoil();
    await daemon.call('clear', undefined);
    const {stderr} = await home.git(['ls-remote', site.url]);
    t.regex(stderr, error);
    t.regex(stderr, hint);
    t.regex(stderr, /told us to quit/);
    ada.disabled = false;
    cloud.clearFaults();
    t.is(secretsOf(daemon).length, 2, 'the refresh token, and whose it is');
    if (title === 'revoked') await login(daemon, ada);
    else await daemon.call('clear', undefined);
    await home.succeed(['ls-remote', site.url]);
  });
}

test.serial('a sign-in that the user cancels stops listening', async (t) => {
  const daemon = await start(t, {directory: scratchDirectory(t), configuration: signInWith('browser')});
  const cancel = new AbortController();
  let redirect = '';
  const signingIn = daemon.call(
    'login',
    {organization: 'contoso'},
    (event) => {
      if (!('openUrl' in event)) return;
      redirect = new URL(event.openUrl).origin;
      cancel.abort();
    },
    cancel.signal,
  );
  await t.throwsAsync(signingIn);
  t.regex(redirect, /^http:\/\/localhost:\d+$/);
  const isHeard = () => listens(new URL(redirect).port);
  await t.notThrowsAsync(until('the end of the listener', isHeard, (heard) => !heard));
});

/** Whether a process listens on this port of loopback. */
function listens(port: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({host: '127.0.0.1', port: Number(port)});
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function start(t: ExecutionContext, {environment = {}, ...options}: Start): Promise<TestDaemon> {
  const daemon = await daemonFor(t, {...options, environment: {...cloud.environment(), ...environment}});
  return daemon;
}

/** Returns every file of the state directory. */
function filesOf(daemon: TestDaemon): string[] {
  const state = join(daemon.directory, 'state');
  return readdirSync(state, {recursive: true})
    .map((name) => join(state, String(name)))
    .filter((path) => statSync(path).isFile());
}

function secretsOf(daemon: TestDaemon): string[] {
  return filesOf(daemon).filter((path) => path.endsWith('.secret'));
}

function refreshTokensSent(): string[] {
  return cloud.requests
    .filter({endpoint: 'token', grant: 'refresh_token'})
    .map(({form}) => form['refresh_token'] ?? '');
}

function refreshTokenSent(): string | undefined {
  return refreshTokensSent().at(-1);
}

test.serial('a key from systemd encrypts refresh tokens, which cannot be read without it', async (t) => {
  const directory = scratchDirectory(t);
  const credentials = scratchDirectory(t);
  writeFileSync(join(credentials, 'orgkey-store-key'), randomBytes(32), {mode: 0o600});
  const environment = {CREDENTIALS_DIRECTORY: credentials};
  const configuration = signInWith('device-code');
  const daemon = await start(t, {directory, configuration, environment});
  await login(daemon, ada);
  await daemon.call('clear', undefined);
  await daemon.call('token', {organization: 'contoso', scope: undefined});
  t.is(await daemon.stop(), 0);
  // the last refresh token has a successor, which only the next refresh shows
  const next = await start(t, {directory, environment});
  t.like(await next.call('token', {organization: 'contoso', scope: undefined}), {kind: 'token'});
  t.is(await next.stop(), 0);
  const sent = refreshTokensSent();
  t.true(sent.length >= 3);
  for (const path of filesOf(daemon)) {
    const bytes = readFileSync(path);
    for (const token of sent)
      for (const form of [
        token,
        Buffer.from(token).toString('base64').slice(4, -4),
        encodeURIComponent(token),
      ])
        t.false(bytes.includes(form), path);
  }
  t.is(secretsOf(daemon).length, 2, 'the refresh token, and whose it is');
  t.is(statSync(secretsOf(daemon)[0] ?? '').mode & 0o777, 0o600);

  const keyless = await start(t, {directory});
  t.like(await keyless.call('token', {organization: 'contoso', scope: undefined}), {kind: 'failed'});
  t.regex(JSON.stringify((await keyless.status()).notices), /are encrypted and cannot be read/);
});
