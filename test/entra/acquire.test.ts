import test from 'ava';
import {createAcquire} from '../../src/entra/acquire.ts';
import type {Errand, Outcome} from '../../src/entra/child/acquirer-pool.ts';
import {AZURE_DEVOPS_SCOPE} from '../../src/token/acquire.ts';
import {Secret} from '../../src/secret/secret.ts';
import {fingerprintOf, microsoft, RememberedRefreshTokens, told, type Keyless} from '../helpers/acquiring.ts';

/** An acquire whose acquirers bring this; the clocks stand. */
function acquiring(outcome: Outcome, parts: Partial<Parameters<typeof createAcquire>[0]> = {}) {
  const errands: Errand[] = [];
  const acquire = createAcquire({
    pool: {
      run: async (errand) => {
        errands.push(errand);
        return outcome;
      },
    },
    clock: {wall: () => 1_700_000_000_000, uptime: () => 5000},
    fingerprint: (secret) => fingerprintOf(secret.revealText()),
    readSecret: async () => Secret.fromText('read'),
    environment: {},
    authority: microsoft,
    refreshTokens: new RememberedRefreshTokens(),
    ...parts,
  });
  return {
    errands,
    acquire: (identity: Keyless) => acquire({identity: {...identity, key: 'k'}, scope: AZURE_DEVOPS_SCOPE}),
  };
}

function brought(head: Record<string, unknown>, accessToken = 'ey.x.y'): Outcome {
  return {
    kind: 'done',
    message: {head: {kind: 'done', ...head}, secrets: {accessToken: Buffer.from(accessToken)}},
  };
}

const app = {
  kind: 'client-secret',
  clientId: 'c',
  tenantId: 'T',
  clientSecret: {from: 'command', argv: ['x']},
} as const;

test('a token counts from before the question, on both clocks', async (t) => {
  const {acquire} = acquiring(brought({expiresIn: 3_600_000, refreshIn: 1_800_000}));
  const acquired = await acquire(app);
  t.like(acquired, {
    kind: 'token',
    token: {
      kind: 'access-token',
      fingerprint: fingerprintOf('ey.x.y'),
      acquiredAt: 1_700_000_000_000,
      acquiredUptime: 5000,
      expiresAt: 1_700_003_600_000,
      refreshAt: 1_700_001_800_000,
    },
  });
});

for (const [title, head, life, refreshIn] of [
  ['no life', {}, 600_000, undefined],
  ['an invalid lifetime', {expiresIn: 'soon'}, 600_000, undefined],
  ['an endless life', {expiresIn: 1e300}, 90_000_000, undefined],
  ['a refresh after the end', {expiresIn: 3_600_000, refreshIn: 3_600_000}, 3_600_000, undefined],
] as const) {
  test(`an acquirer that tells ${title}`, async (t) => {
    const acquired = await acquiring(brought(head)).acquire(app);
    if (acquired.kind === 'failed') return t.fail(told(acquired));
    const {acquiredAt, expiresAt, refreshAt} = acquired.token;
    t.is((expiresAt ?? 0) - acquiredAt, life);
    t.is(refreshAt, refreshIn);
  });
}

for (const [title, token] of [
  ['an empty token', ''],
  ['a token with a space', 'a b'],
  ['a token with a line end', 'a\nb'],
  ['a token beyond ASCII', 'é'],
] as const) {
  test(`an acquirer that brings ${title}`, async (t) => {
    const acquired = await acquiring(brought({}, token)).acquire(app);
    t.is(acquired.kind === 'failed' && acquired.failure.code, 'ERR_UNUSABLE_ANSWER');
  });
}

test('a held secret is copied: neither the job nor the token erases the configuration’s', async (t) => {
  const mine = Secret.fromText('a-personal-access-token');
  const {acquire, errands} = acquiring(brought({}));
  const acquired = await acquire({kind: 'pat', personalAccessToken: {from: 'held', secret: mine}});
  if (acquired.kind === 'failed') return t.fail(told(acquired));
  t.is(acquired.token.expiresAt, undefined);
  acquired.token.secret.erase();
  t.is(mine.revealText(), 'a-personal-access-token');
  t.deepEqual(errands, []);

  await acquire({...app, clientSecret: {from: 'held', secret: mine}});
  errands[0]?.job.secrets['clientSecret']?.fill(0);
  t.is(mine.revealText(), 'a-personal-access-token');
});

test('what was read for one job is erased after it', async (t) => {
  const read = Secret.fromText('from a program');
  const {acquire, errands} = acquiring(brought({}), {readSecret: async () => read});
  await acquire(app);
  t.true(read.erased);
  t.is(Buffer.from(errands[0]?.job.secrets['clientSecret'] ?? []).toString(), 'from a program');
});

test('the job says which Entra', async (t) => {
  const {acquire, errands} = acquiring(brought({}));
  await acquire(app);
  t.like(errands[0], {
    endpoint: 'login.microsoftonline.com',
    job: {
      task: 'client-secret',
      fields: {
        clientId: 'c',
        tenantId: 'T',
        scope: AZURE_DEVOPS_SCOPE,
        authorityHost: 'https://login.microsoftonline.com',
        disableInstanceDiscovery: 'false',
      },
    },
  });
});

test('the secrets among a managed identity’s variables travel as such', async (t) => {
  const environment = {
    IDENTITY_ENDPOINT: 'http://127.0.0.1:1/',
    IDENTITY_HEADER: 'CANARY',
    MSI_SECRET: 'CANARY',
    AZURE_CLIENT_SECRET: 'CANARY',
    AZURE_FEDERATED_TOKEN_FILE: 'CANARY',
  };
  const {acquire, errands} = acquiring(brought({}), {environment});
  await acquire({kind: 'managed-identity', clientId: 'system-assigned'});
  const [errand] = errands;
  t.deepEqual(Object.keys(errand?.job.secrets ?? {}), ['variable:IDENTITY_HEADER', 'variable:MSI_SECRET']);
  t.notRegex(JSON.stringify({fields: errand?.job.fields, environment: errand?.environment}), /CANARY/);
});

test('a secret that takes too long to read leaves no time for the issuer', async (t) => {
  let now = 0;
  const {acquire, errands} = acquiring(brought({}), {
    clock: {wall: () => 0, uptime: () => now},
    readSecret: async () => {
      now = 8000;
      return Secret.fromText('late');
    },
  });
  t.is(
    told(await acquire(app)),
    'reading its secret took 8 s, and no time was left to ask the issuer (ERR_SECRET_SLOW)\nCheck why the program, keyring or vault is slow, or keep the secret in a file.',
  );
  t.deepEqual(errands, []);
});

test('the time that it took to read the secret counts', async (t) => {
  let now = 0;
  const {acquire, errands} = acquiring(brought({}), {
    clock: {wall: () => 0, uptime: () => now},
    readSecret: async () => {
      now = 3000;
      return Secret.fromText('late');
    },
  });
  await acquire(app);
  t.is(errands[0]?.spent, 3000);
});

for (const [title, thrown, expected] of [
  [
    'an error with a code and a hint',
    Object.assign(new Error('why'), {code: 'ERR_X', hint: 'how'}),
    'why (ERR_X)\nhow',
  ],
  [
    'any error, escaped',
    new Error('a\u001b[31m'),
    String.raw`a\u{1b}[31m (ERR_SECRET_UNREADABLE)` +
      '\nRun orgkey doctor; it reads each secret and reports what fails.',
  ],
  [
    'a value that is not an error',
    'odd',
    'unexpected failure (odd) (ERR_UNEXPECTED)\nRun orgkey doctor, and report what it says if it finds nothing.',
  ],
] as const) {
  test(`a secret that cannot be read throws ${title}`, async (t) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    const {acquire} = acquiring(brought({}), {readSecret: () => Promise.reject(thrown)});
    t.is(told(await acquire(app)), expected);
  });
}
