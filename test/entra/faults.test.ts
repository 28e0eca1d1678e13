import {readFileSync} from 'node:fs';
import test from 'ava';
import type {Fault} from '../cloud/faults.ts';
import type {Token} from '../../src/token/token.ts';
import {claimsIn} from '../helpers/requests.ts';
import {acquiringFrom, held, told, type AcquiringOptions, type Keyless} from '../helpers/acquiring.ts';
import {testUnless, whyNotLinux} from '../helpers/test-unless.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();

const tenant = cloud.addTenant();
const app = tenant.addApplication();
cloud.addManagedIdentity({tenant, kind: 'system-assigned'});

const clientSecret = {
  kind: 'client-secret',
  clientId: app.clientId,
  tenantId: tenant.id,
  clientSecret: held(app.secret),
} as const;
const managedIdentity = {kind: 'managed-identity', clientId: 'system-assigned'} as const;

interface Case {
  readonly fault?: Fault;
  readonly identity?: Keyless;
  readonly options?: AcquiringOptions;
  /** The status of each answer; `cut`: the connection was cut. One number: of every answer, as long as there is time. */
  readonly answers: readonly (number | 'cut')[] | number;
  /** The exact text; none: there is a token in the end. */
  readonly says?: readonly [message: string, hint: string];
  /** In milliseconds. */
  readonly retryAfter?: number;
  /** Seconds that the token lives. */
  readonly life?: number;
}

const ends = test.macro({
  title: (name = '') => name,
  exec: async (t, {fault, identity = clientSecret, options, answers, says, retryAfter, life}: Case) => {
    cloud.requests.clear();
    cloud.clearFaults();
    if (fault) cloud.fault(fault);
    const acquired = await acquiringFrom(cloud, options).acquire(identity);
    cloud.clearFaults();
    if (says === undefined) t.is(acquired.kind, 'token', told(acquired));
    else t.is(told(acquired), says.join('\n'));
    const statuses = cloud.requests.all.map(({status}) => status ?? 'cut');
    if (typeof answers !== 'number') t.deepEqual(statuses, answers);
    else t.true(statuses.length >= 2 && statuses.every((status) => status === answers), statuses.join());
    if (acquired.kind === 'failed') t.is(acquired.failure.retryAfter, retryAfter);
    else if (life !== undefined) t.is(lifeOf(acquired.token), life);
  },
});

/** In seconds. */
function lifeOf({acquiredAt, expiresAt = 0}: Token): number {
  return Math.round((expiresAt - acquiredAt) / 1000);
}

const token = {endpoint: 'token', times: 'always'} as const;
const host = 'login.microsoftonline.com';

// ── Entra says no ──

test.serial('400 with a known code: its meaning and its repair', ends, {
  fault: {...token, status: 400, body: {error: 'invalid_scope', error_description: 'AADSTS70011: No.'}},
  answers: [400],
  says: [
    'the scope is not valid (AADSTS70011)',
    'Use one scope: 499b84ac-1321-427f-aa17-267ca6975798/.default.',
  ],
});

test.serial(
  '400 with an unknown code: what Entra says, without our secret and without control characters',
  ends,
  {
    fault: {
      ...token,
      status: 400,
      body: {
        error: 'odd',
        error_description: `AADSTS999999: ${app.secret} and \u001b[31m\u202e. Trace ID: 1`,
      },
    },
    answers: [400],
    says: [
      String.raw`Entra refuses (HTTP 400: [redacted] and \u{1b}[31m\u{202e}) (AADSTS999999)`,
      'Check clientId, tenantId and authorityHost; orgkey doctor asks again step by step.',
    ],
  },
);

test.serial('what comes back of our secrets is never shown, however it is written', async (t) => {
  const canary = 'C4N~RY +/%&= ' + 'é'.repeat(3);
  const bytes = Buffer.from(canary);
  const forms = [canary, encodeURIComponent(canary), bytes.toString('base64'), bytes.toString('base64url')];
  const inForm = new URLSearchParams({s: canary}).toString().slice(2);
  for (const form of [...forms, inForm]) {
    cloud.fault({
      ...token,
      times: 1,
      status: 400,
      body: {error: 'odd', error_description: `no ${form} here`},
    });
    const acquired = await acquiringFrom(cloud).acquire({...clientSecret, clientSecret: held(canary)});
    t.regex(told(acquired), /^Entra refuses \(HTTP 400: no \[redacted\]=* here\)/);
  }
});

test.serial('401 without a code: by the OAuth error', ends, {
  fault: {...token, status: 401, body: {error: 'invalid_client', error_description: 'who?'}},
  answers: [401],
  says: [
    'Entra refuses the client secret of this app: who? (ERR_INVALID_CLIENT)',
    'Compare clientId and tenantId with the app registration, and check that its secret, certificate or federated credential still exists.',
  ],
});

test.serial('a redirect is not followed', ends, {
  fault: {...token, status: 302, headers: {location: 'https://dev.azure.com/'}, body: ''},
  answers: [302],
  says: [
    'Entra refuses (HTTP 302) (ERR_HTTP_302)',
    'Check clientId, tenantId and authorityHost; orgkey doctor asks again step by step.',
  ],
});

// ── Entra is busy or unwell ──

const throttled = 'orgkey asks again after that time; do nothing unless it happens again.';

test.serial('429, two seconds: waited for, twice', ends, {
  fault: {...token, status: 429, headers: {'retry-after': '2'}, body: {}},
  answers: [429, 429, 429],
  says: ['Entra is asked too often and rejects requests for 2 s (ERR_THROTTLED)', throttled],
  retryAfter: 2000,
});

test.serial('429, two seconds, once: a token', ends, {
  fault: {...token, times: 1, status: 429, headers: {'retry-after': '2'}, body: {}},
  answers: [429, 200],
});

test.serial('429, an hour: not waited for, and taken for five minutes', ends, {
  fault: {...token, status: 429, headers: {'retry-after': '3600'}, body: {}},
  answers: [429],
  says: ['Entra is asked too often and rejects requests for 5 min (ERR_THROTTLED)', throttled],
  retryAfter: 300_000,
});

test.serial(
  '429, until a moment of the issuer’s, whose clock is an hour behind: not waited for',
  async (t) => {
    cloud.requests.clear();
    const until = new Date(Date.now() - 3_600_000 + 240_000).toUTCString();
    cloud.fault({...token, status: 429, headers: {'retry-after': until}, dateSkew: -3_600_000, body: {}});
    const acquired = await acquiringFrom(cloud).acquire(clientSecret);
    cloud.clearFaults();
    t.regex(told(acquired), /^Entra is asked too often and rejects requests for 4 min \(ERR_THROTTLED\)/);
    t.is(cloud.requests.length, 1);
  },
);

test.serial('429, no word on how long', ends, {
  fault: {...token, status: 429, body: 'slow down'},
  answers: [429, 429, 429],
  says: ['Entra is asked too often and rejects requests (ERR_THROTTLED)', throttled],
});

test.serial('a loop, as Entra sees it: five minutes', ends, {
  fault: {...token, status: 400, body: {error: 'invalid_grant', error_description: 'AADSTS50196: loop'}},
  answers: [400],
  says: ['Entra is asked too often and rejects requests for 5 min (AADSTS50196)', throttled],
  retryAfter: 300_000,
});

const unwell = 'orgkey asks again automatically; https://azure.status.microsoft lists outages.';

test.serial('500: three tries', ends, {
  fault: {...token, status: 500, body: 'oops'},
  answers: [500, 500, 500],
  says: ['Entra has an internal failure (HTTP 500) (ERR_ISSUER_UNWELL)', unwell],
});

test.serial('503, a web page: three tries', ends, {
  fault: {...token, status: 503, body: '<html>'},
  answers: [503, 503, 503],
  says: ['Entra has an internal failure (HTTP 503) (ERR_ISSUER_UNWELL)', unwell],
});

test.serial('500 twice: a token', ends, {
  fault: {...token, times: 2, status: 500, body: 'oops'},
  answers: [500, 500, 200],
});

// ── no answer ──

test.serial('no answer for ever: given up', ends, {
  fault: {...token, hang: true},
  answers: ['cut', 'cut'],
  says: [
    `${host} through the proxy ${new URL(cloud.proxyUrl).host} did not answer in time (ERR_TIMEOUT)`,
    `Check the connection: curl -sS -o /dev/null https://${host}/ from this machine, and whether it needs a proxy.`,
  ],
});

test.serial('no answer once: a token', ends, {
  fault: {...token, times: 1, hang: true},
  answers: ['cut', 200],
});

const lost = [
  `the connection to ${host} through the proxy ${new URL(cloud.proxyUrl).host} was cut (ECONNRESET) (ERR_CONNECTION_LOST)`,
  'orgkey tries again; if it happens every time, a firewall or a proxy cuts it.',
] as const;

test.serial('connections that are reset: three tries', ends, {
  fault: {...token, reset: true},
  answers: ['cut', 'cut', 'cut'],
  says: lost,
});

test.serial('connections that are reset twice: a token', ends, {
  fault: {...token, times: 2, reset: true},
  answers: ['cut', 'cut', 200],
});

test.serial('answers that break off: three tries', ends, {
  fault: {...token, truncate: 50},
  answers: [200, 200, 200],
  says: lost,
});

// ── answers that cannot be read ──

const inBetween = 'A proxy may answer in its place: check the proxy of this machine and the authority host.';

test.serial('half a JSON', ends, {
  fault: {...token, status: 200, body: '{"token_type":"Bearer","access_to'},
  answers: [200],
  says: [`Entra answered with no JSON (${host}, HTTP 200) (ERR_UNUSABLE_ANSWER)`, inBetween],
});

test.serial('a web page', ends, {
  fault: {...token, status: 200, body: '<html>Welcome to the hotel'},
  answers: [200],
  says: [`Entra answered with a web page (${host}, HTTP 200) (ERR_UNUSABLE_ANSWER)`, inBetween],
});

test.serial('ten megabytes', ends, {
  fault: {...token, bodyLength: 10_000_000},
  answers: [200],
  says: [`Entra answered with more than a megabyte (${host}, HTTP 200) (ERR_UNUSABLE_ANSWER)`, inBetween],
});

test.serial('no token', ends, {
  fault: {...token, omit: ['access_token']},
  answers: [200],
  says: [`Entra answered with no token (${host}, HTTP 200) (ERR_UNUSABLE_ANSWER)`, inBetween],
});

test.serial('a token with a line end in it', ends, {
  fault: {...token, set: {access_token: 'ey\npath=evil'}},
  answers: [200],
  says: ['the issuer answered without a token (ERR_UNUSABLE_ANSWER)', inBetween],
});

// ── lives ──

test.serial('no word on how long it lives: ten minutes, not none', ends, {
  fault: {...token, omit: ['expires_in', 'ext_expires_in']},
  answers: [200],
  life: 600,
});

test.serial('seconds as text', ends, {
  fault: {...token, set: {expires_in: '3000'}},
  answers: [200],
  life: 3000,
});

test.serial('a thousand years: not believed', ends, {
  fault: {...token, set: {expires_in: 31_557_600_000}},
  answers: [200],
  life: 25 * 60 * 60,
});

for (const seconds of [0, -5, 59, '-5']) {
  test.serial(`a token that ends in ${JSON.stringify(seconds)} s is rejected`, ends, {
    fault: {...token, set: {expires_in: seconds}},
    answers: [200],
    says: [
      `the issuer's token ends in ${String(Math.max(0, Number(seconds)))} s (ERR_TOKEN_ENDS)`,
      "orgkey acquires a new one automatically; check the issuer's token lifetime policy and cache.",
    ],
  });
}

test.serial('when the issuer wants it refreshed', async (t) => {
  cloud.clearFaults();
  cloud.fault({...token, set: {refresh_in: 1800}});
  const acquired = await acquiringFrom(cloud).acquire(clientSecret);
  cloud.clearFaults();
  if (acquired.kind === 'failed') return t.fail(told(acquired));
  t.is((acquired.token.refreshAt ?? 0) - acquired.token.acquiredAt, 1_800_000);
});

// ── TLS ──

const tls = {endpoint: 'tls', times: 'always'} as const;
const untrusted = [
  `the certificate of ${host} comes from an authority that is not trusted here (SELF_SIGNED_CERT_IN_CHAIN) (ERR_TLS_UNTRUSTED)`,
  'If a proxy inspects TLS here, point NODE_EXTRA_CA_CERTS to its authority in the environment of the service.',
] as const;

test.serial('a certificate that has expired', ends, {
  fault: {...tls, certificate: 'expired'},
  answers: [],
  says: [
    `the certificate of ${host} is no longer valid (ERR_TLS_EXPIRED)`,
    "Check this machine's clock (date -u) first; if it is right, a proxy in between shows an old certificate.",
  ],
});

test.serial('a certificate of an unknown authority', ends, {
  fault: {...tls, certificate: 'untrusted'},
  answers: [],
  says: untrusted,
});

test.serial('no authority to trust', ends, {
  options: {environment: {NODE_EXTRA_CA_CERTS: '', SSL_CERT_FILE: ''}},
  answers: [],
  says: untrusted,
});

test.serial('an authority that SSL_CERT_FILE names', ends, {
  options: {environment: {NODE_EXTRA_CA_CERTS: ''}},
  answers: [200],
});

test.serial('a certificate of another name', ends, {
  fault: {...tls, certificate: 'wrong-name'},
  answers: [],
  says: [
    `the certificate does not belong to ${host} (ERR_TLS_NAME)`,
    'Another server answers in its place: check DNS, hosts file and proxy of this machine.',
  ],
});

// ── the way out ──

const through = (proxy: string) => ({environment: {HTTPS_PROXY: proxy, https_proxy: proxy}});
const straightTo = (authorityHost: string) => ({
  ...through(''),
  authority: {authorityHost, disableInstanceDiscovery: true},
});

test.serial('a proxy that wants a login', ends, {
  fault: {endpoint: 'proxy', times: 'always', status: 407},
  answers: [],
  says: [
    `the proxy ${new URL(cloud.proxyUrl).host} makes no connection to ${host}, it wants a login (ERR_PROXY_REFUSED)`,
    'Put the login into HTTPS_PROXY in the environment of the service: http://name:password@proxy:port',
  ],
});

test.serial('a proxy that refuses', ends, {
  fault: {endpoint: 'proxy', times: 'always', status: 403},
  answers: [],
  says: [
    `the proxy ${new URL(cloud.proxyUrl).host} makes no connection to ${host} (ERR_PROXY_REFUSED)`,
    `Have the proxy allow ${host}, or name it in NO_PROXY.`,
  ],
});

test.serial('a proxy that is down', ends, {
  options: through('http://127.0.0.1:9'),
  answers: [],
  says: [
    'the proxy 127.0.0.1:9 cannot be reached (ECONNREFUSED) (ERR_PROXY_UNREACHABLE)',
    `Check HTTPS_PROXY in the environment of the service, or name ${host} in NO_PROXY.`,
  ],
});

test.serial('a proxy whose login is not told', ends, {
  options: through('http://ada:sesame@127.0.0.1:9'),
  answers: [],
  says: [
    'the proxy 127.0.0.1:9 cannot be reached (ECONNREFUSED) (ERR_PROXY_UNREACHABLE)',
    `Check HTTPS_PROXY in the environment of the service, or name ${host} in NO_PROXY.`,
  ],
});

test.serial('a proxy without scheme, as curl takes it', ends, {
  options: through(new URL(cloud.proxyUrl).host),
  answers: [200],
});

test.serial('a proxy that Node has no words for', ends, {
  options: through('socks5://127.0.0.1:1080'),
  answers: [],
  says: [
    'https_proxy is not the address of a proxy (ERR_PROXY_ADDRESS)',
    'Set https_proxy to http://proxy:port in the environment of the service.',
  ],
});

test.serial('a name that does not resolve', ends, {
  options: straightTo('https://login.invalid'),
  answers: [],
  says: [
    'the name login.invalid cannot be resolved (ENOTFOUND) (ERR_DNS)',
    'Check the network and the name server of this machine, or set HTTPS_PROXY if it needs a proxy.',
  ],
});

test.serial('a port where no server listens', ends, {
  options: straightTo('https://127.0.0.1:9'),
  answers: [],
  says: [
    '127.0.0.1:9 cannot be reached (ECONNREFUSED) (ERR_UNREACHABLE)',
    'Check the network of this machine, or set HTTPS_PROXY if it needs a proxy.',
  ],
});

// ── the metadata service ──

const imds = {endpoint: 'imds', times: 'always'} as const;
const metadata = (case_: Omit<Case, 'identity'>): Case => ({...case_, identity: managedIdentity});
const noMetadata = (code: string) =>
  [
    `this machine's metadata service (${new URL(cloud.imdsUrl).host}) cannot be reached (${code}) (ERR_NO_METADATA_SERVICE)`,
    'If it never worked here, use another identity (only Azure machines have one), or let 169.254.169.254 through the container or firewall; orgkey asks again automatically.',
  ] as const;

for (const status of [404, 410]) {
  test.serial(
    `IMDS ${String(status)}: it is being updated, asked as long as there is time`,
    ends,
    metadata({
      fault: {...imds, status, body: {}},
      answers: status,
      says: [
        `the machine's metadata service is being updated, which takes up to 70 s, or has no identities (HTTP ${String(status)}) (ERR_METADATA_UPDATING)`,
        'Try again in a minute; then check that an identity is assigned to the machine.',
      ],
    }),
  );
}

test.serial(
  'IMDS 429: asked as long as there is time',
  ends,
  metadata({
    fault: {...imds, status: 429, body: {}},
    answers: 429,
    says: [
      "the machine's metadata service is asked too often and rejects requests (ERR_THROTTLED)",
      throttled,
    ],
  }),
);

test.serial(
  'IMDS 500: asked as long as there is time',
  ends,
  metadata({
    fault: {...imds, status: 500, body: {}},
    answers: 500,
    says: ["the machine's metadata service has an internal failure (HTTP 500) (ERR_ISSUER_UNWELL)", unwell],
  }),
);

test.serial(
  'IMDS that never answers: given up',
  ends,
  metadata({fault: {...imds, hang: true}, answers: ['cut', 'cut'], says: noMetadata('TIMEOUT')}),
);

test.serial(
  'IMDS that cuts: three tries',
  ends,
  metadata({fault: {...imds, reset: true}, answers: ['cut', 'cut', 'cut'], says: noMetadata('ECONNRESET')}),
);

test.serial(
  'IMDS that tells no life: ten minutes',
  ends,
  metadata({
    fault: {...imds, omit: ['expires_in', 'expires_on', 'ext_expires_in']},
    answers: [200],
    life: 600,
  }),
);

for (const [clock, offset] of [
  ['is right', 0],
  ['is 3 h behind', 3 * 60 * 60_000],
  ['is 3 h ahead', -3 * 60 * 60_000],
] as const) {
  test.serial(
    `IMDS that tells the whole life beside a token from its cache: its end counts, where our clock ${clock}`,
    async (t) => {
      cloud.clockOffset = offset;
      cloud.machine.forgetTokens();
      const life = cloud.tokenSettings.managedIdentityLife;
      cloud.tokenSettings.managedIdentityLife = 3600;
      cloud.fault({...imds, set: {expires_in: '86399'}});
      const acquired = await acquiringFrom(cloud).acquire(managedIdentity);
      cloud.clearFaults();
      cloud.tokenSettings.managedIdentityLife = life;
      cloud.clockOffset = 0;
      if (acquired.kind === 'failed') return t.fail(told(acquired));
      const {secret, expiresAt = 0} = acquired.token;
      const end = Number(claimsIn(secret.revealText())['exp']) * 1000 - offset;
      // it counts from before the question, and that is answered within ten seconds
      t.true(Math.abs(end - expiresAt) <= 10_000, `${String(end - expiresAt)} ms`);
    },
  );
}

// ── what is observed ──

test.serial('the clock’s error is reported beside a token', async (t) => {
  cloud.fault({...token, dateSkew: -3_600_000});
  const {acquire, observations} = acquiringFrom(cloud);
  await acquire(clientSecret);
  cloud.clearFaults();
  const [{skew = 0, requests, endpoint, outcome} = {skew: 0, requests: 0, endpoint: '', outcome: ''}] =
    observations;
  t.is(Math.round(skew / 60_000), 60);
  t.deepEqual({requests, endpoint, outcome}, {requests: 1, endpoint: host, outcome: 'done'});
});

testUnless(whyNotLinux, test.serial)(
  'while it waits, its command line and environment hold no secret',
  async (t) => {
    cloud.requests.clear();
    cloud.fault({...token, times: 1, delay: 500});
    const environment = {IDENTITY_HEADER: 'CANARY-header', AZURE_CLIENT_SECRET: 'CANARY-variable'};
    const {acquire} = acquiringFrom(cloud, {environment});
    const acquiring = acquire({...clientSecret, clientSecret: held('CANARY-secret')});
    await cloud.requests.waitFor({endpoint: 'token'});
    const children = readFileSync(`/proc/self/task/${String(process.pid)}/children`, 'utf8')
      .trim()
      .split(' ');
    const seen = children.map((pid) =>
      ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')).join('\n'),
    );
    t.true(seen.some((text) => text.includes('acquirer.ts')));
    t.notRegex(seen.join('\n'), /CANARY/);
    t.is((await acquiring).kind, 'failed');
  },
);

test.serial('a Retry-After of one app delays no other app of its tenant', async (t) => {
  cloud.fault({...token, times: 1, status: 429, headers: {'retry-after': '999999999'}, body: {}});
  const {acquire} = acquiringFrom(cloud);
  t.regex(told(await acquire(clientSecret)), /rejects requests for 5 min \(ERR_THROTTLED\)/);
  const other = tenant.addApplication();
  const sibling = {...clientSecret, clientId: other.clientId, clientSecret: held(other.secret)};
  t.is((await acquire(sibling)).kind, 'token');
});

test.serial('a Retry-After of the metadata service delays no other managed identity', async (t) => {
  cloud.fault({endpoint: 'imds', times: 1, status: 429, headers: {'retry-after': '600'}, body: {}});
  const {acquire} = acquiringFrom(cloud);
  const [one, other] = [1, 2].map(() => {
    const {clientId} = cloud.addManagedIdentity({tenant});
    return {kind: 'managed-identity', key: clientId, clientId} as const;
  });
  if (one === undefined || other === undefined) throw new Error('no identities');
  t.regex(told(await acquire(one)), /ERR_THROTTLED/);
  t.is((await acquire(other)).kind, 'token');
});
