import test from 'ava';
import {advise} from '../../src/entra/advice.ts';
import type {AssertionFacts} from '../../src/entra/assertion.ts';
import {AZURE_CLI_CLIENT_ID, type Identity} from '../../src/identity/identity.ts';
import {allExplanations, explainCode} from '../../src/entra/explanations.ts';
import {AcquirerError, localFailure, failureFrom, type AcquirerFailure} from '../../src/entra/failure.ts';

const refused = (parts: Partial<Extract<AcquirerFailure, {kind: 'rejected'}>>): AcquirerFailure => ({
  kind: 'rejected',
  service: 'entra',
  host: 'login.microsoftonline.com',
  status: 400,
  error: undefined,
  codes: [],
  description: '',
  retryAfter: undefined,
  ...parts,
});

const silent = (
  code: string,
  parts: Partial<Extract<AcquirerFailure, {kind: 'unreachable'}>> = {},
): AcquirerFailure => ({
  kind: 'unreachable',
  service: 'entra',
  host: 'login.microsoftonline.com',
  code,
  detail: '',
  proxy: undefined,
  ...parts,
});

const codes = [...allExplanations()];

test('each code is explained once', (t) => {
  t.true(codes.length >= 80);
  t.is(new Set(codes.map(({code}) => code)).size, codes.length);
});

const kinds: readonly Identity['kind'][] = [
  'client-secret',
  'client-certificate',
  'managed-identity',
  'managed-identity-assertion',
  'federated-token-file',
  'federated-token',
  'github-actions',
  'azure-pipelines',
  'azure-cli',
  'sign-in',
  'pat',
];
const clientId = '11111111-1111-4111-8111-111111111111';
const tenantId = '22222222-2222-4222-8222-222222222222';

for (const explanation of codes) {
  const {code, place, page, meaning, action, retry} = explanation;
  test(`${code} ends in a meaning, a place and a repair`, (t) => {
    t.regex(code, /^(?:AADSTS\d{4,7}|TF\d{4,6}|VS\d{6})$/);
    t.regex(meaning, /^[A-Z].*\.$/);
    t.regex(action, /^[A-Z].*\.$/);
    t.true([undefined, 'once-fresh', 'backoff', 'after-cooldown', 'poll'].includes(retry));
    t.true(['app', 'tenant', 'organization', 'connection', 'machine', 'person'].includes(place));
    t.true(page === undefined || page === 'consent' || place === 'app', 'a page belongs to an app');
    const failure = advise(refused({codes: [code]}), {kind: 'client-secret'});
    t.is(failure.code, code);
    // half a sentence: git puts who failed before it
    t.notRegex(failure.message, /\.$/);
    t.truthy(failure.hint);
  });

  test(`${code} is repaired in words that fit each kind of identity`, (t) => {
    for (const kind of kinds) {
      const {hint = ''} = advise(refused({codes: [code]}), {kind, clientId, tenantId});
      const isPerson = kind === 'sign-in' || kind === 'azure-cli';
      if (!isPerson && place === 'person') t.notRegex(hint, /orgkey login/, kind);
      if (kind === 'azure-cli') t.notRegex(hint, /orgkey login/);
      if (place !== 'app') t.notRegex(hint, /ApplicationMenuBlade/, kind);
      if (kind === 'managed-identity') t.notRegex(hint, /ApplicationMenuBlade|adminconsent/);
      if (kind === 'azure-pipelines' && /secret/.test(hint)) t.notRegex(hint, /Federated credentials:/);
      t.notRegex(hint, /undefined/);
    }
  });

  test(`${code} leads no user to the registration of Microsoft`, (t) => {
    const {hint = ''} = advise(refused({codes: [code]}), {
      kind: 'sign-in',
      clientId: AZURE_CLI_CLIENT_ID,
      tenantId,
    });
    t.notRegex(hint, new RegExp(AZURE_CLI_CLIENT_ID));
  });
}

for (const [code, page] of [
  ['AADSTS700223', undefined],
  ['AADSTS700238', undefined],
  ['AADSTS700229', undefined],
  ['AADSTS70025', 'Federated credentials'],
  ['AADSTS70021', 'Federated credentials'],
  ['AADSTS700211', 'Federated credentials'],
  ['AADSTS700213', 'Federated credentials'],
  ['AADSTS7002138', 'Federated credentials'],
  ['AADSTS70052', 'Authentication'],
  ['AADSTS7000215', 'Certificates & secrets'],
  ['AADSTS700027', 'Certificates & secrets'],
  ['AADSTS700016', 'Consent of an admin'],
] as const) {
  test(`${code} leads a service connection to ${page ?? 'no page'}`, (t) => {
    const {hint = ''} = advise(refused({codes: [code]}), {kind: 'azure-pipelines', clientId, tenantId});
    const [, name, address] = /(?<=[.;] |^)([A-Z][\w &]*): (https:\/\/\S+)$/.exec(hint) ?? [];
    t.is(name, page, hint);
    if (page === 'Consent of an admin')
      t.is(address, `https://login.microsoftonline.com/${tenantId}/adminconsent?client_id=${clientId}`);
    else if (page !== undefined) t.true(address?.endsWith(`/appId/${clientId}`));
  });
}

const OLD = 'https://app.vstoken.visualstudio.com';
const NEW = `https://login.microsoftonline.com/${tenantId}`;
const NO_MATCH = 'No matching federated identity record found for presented assertion';

for (const [title, description, assertion, message, hint] of [
  [
    'the old issuer of a service connection',
    `AADSTS70021: ${NO_MATCH}. Assertion Issuer: ${OLD}. Trace ID: 1`,
    undefined,
    `the assertion's issuer is ${OLD}`,
    /^Edit the service connection and save it/,
  ],
  [
    'a renamed service connection',
    `AADSTS70021: ${NO_MATCH}. Assertion Issuer: '${NEW}'. Assertion Subject: 'sc://contoso/Web site/deploy'. Assertion Audience: 'api://AzureADTokenExchange'. https://docs.microsoft.com/x`,
    undefined,
    `the assertion's issuer is ${NEW}, its subject sc://contoso/Web site/deploy, its audience api://AzureADTokenExchange`,
    /current names.*Federated credentials: https:/,
  ],
  [
    'a description in backticks, with lines',
    `AADSTS70021: ${NO_MATCH}. Assertion Issuer: \`${NEW}\`.\r\nAssertion Subject: \`a.b c\`.\r\nTrace ID: 1`,
    undefined,
    `the assertion's issuer is ${NEW}, its subject a.b c`,
    /^Compare issuer, subject and audience/,
  ],
  [
    'a description without details',
    'AADSTS70025: Client application has no configured federated identity credentials.',
    {issuer: 'https://a.example', subject: 's\u202e'},
    String.raw`the assertion's issuer is https://a.example, its subject s\u{202e}`,
    /^Add one with the issuer/,
  ],
  [
    'an issuer that the tenant does not allow',
    'AADSTS700238: Not allowed.',
    {issuer: 'https://a.example', subject: undefined},
    "the assertion's issuer is https://a.example",
    /^Ask an admin of the tenant to allow the issuer/,
  ],
] as const) {
  test(`an assertion is compared: ${title}`, (t) => {
    const codes = [/AADSTS\d+/.exec(description)?.[0] ?? ''];
    const failure = advise(refused({codes, description}), {kind: 'azure-pipelines', clientId, assertion});
    t.true(failure.message.endsWith(`: ${message}`), failure.message);
    t.regex(failure.hint ?? '', hint);
  });
}

test('a code of Entra that the Azure CLI passes on is repaired with the Azure CLI', (t) => {
  const {failure} = localFailure(
    'AADSTS50076',
    'the Azure CLI failed',
    'Try it: az account get-access-token',
  );
  t.is(advise(failure, {kind: 'azure-cli'}).hint, 'Sign in again in a browser: az login.');
});

test('what Entra quotes of an assertion is limited', (t) => {
  const description = `AADSTS700213: ${NO_MATCH} subject '${'x'.repeat(900)}'.`;
  const {message} = advise(refused({codes: ['AADSTS700213'], description}), {kind: 'github-actions'});
  t.true(message.endsWith(`${'x'.repeat(300)}…`));
});

const minutes = (age: number, hasExpired = true): AssertionFacts => ({age: age * 60_000, hasExpired});
for (const [kind, assertion, hint] of [
  ['azure-pipelines', minutes(1, false), /^Check the clock/],
  ['federated-token', minutes(7), /^Request the token early/],
  ['azure-pipelines', minutes(10), /^Request the token early/],
  ['azure-pipelines', minutes(60), /^Request the token early/],
  ['azure-pipelines', minutes(61), /^Let orgkey request .* managed identity/],
  ['azure-pipelines', undefined, /^Request the token early.* Let orgkey request/],
  ['federated-token-file', {}, /^Request the token early.* Let orgkey request/],
  ['client-certificate', undefined, /^Check the clock/],
  ['managed-identity-assertion', minutes(120), /^Check the clock/],
] as const) {
  const age = assertion?.age === undefined ? 'unknown' : `${assertion.age / 60_000} min`;
  test(`the age of an assertion decides: ${kind}, ${age}`, (t) => {
    const failure = advise(refused({codes: ['AADSTS700024']}), {kind, clientId, assertion});
    t.regex(failure.hint ?? '', hint);
  });
}

const failures: readonly [string, AcquirerFailure, code: string, message: RegExp][] = [
  [
    'an OAuth error',
    refused({error: 'invalid_client'}),
    'ERR_INVALID_CLIENT',
    /^Entra refuses the client secret of this app$/,
  ],
  [
    'a grant that ended',
    refused({error: 'invalid_grant'}),
    'ERR_INVALID_GRANT',
    /^the user must sign in again$/,
  ],
  ['no consent', refused({error: 'consent_required'}), 'ERR_CONSENT_REQUIRED', /^the app lacks consent$/],
  [
    'a resource',
    refused({error: 'invalid_resource'}),
    'ERR_INVALID_RESOURCE',
    /does not know what is asked for$/,
  ],
  ['a tenant', refused({error: 'invalid_tenant'}), 'ERR_INVALID_TENANT', /^the tenant does not exist$/],
  ['declined', refused({error: 'access_denied'}), 'ERR_ACCESS_DENIED', /^the sign-in was declined$/],
  [
    'busy',
    refused({error: 'temporarily_unavailable'}),
    'ERR_TEMPORARILY_UNAVAILABLE',
    /cannot answer for the moment$/,
  ],
  ['an odd OAuth error', refused({error: 'i<am>\u001bodd'}), 'ERR_I_AM_ODD', /^Entra refuses \(HTTP 400\)$/],
  ['nothing but a status', refused({status: 418}), 'ERR_HTTP_418', /^Entra refuses \(HTTP 418\)$/],
  [
    'the first code that is known',
    refused({codes: ['AADSTS1', 'AADSTS7000222']}),
    'AADSTS7000222',
    /has expired$/,
  ],
  [
    'an unknown code',
    refused({codes: ['AADSTS1'], description: 'AADSTS1: Odd. More.'}),
    'AADSTS1',
    /HTTP 400: Odd\)$/,
  ],
  [
    'throttled, whatever the code',
    refused({status: 429, codes: ['AADSTS7000222']}),
    'AADSTS7000222',
    /asked too often/,
  ],
  [
    'a server error',
    refused({status: 502}),
    'ERR_ISSUER_UNWELL',
    /^Entra has an internal failure \(HTTP 502\)$/,
  ],
  [
    'a vault without the secret',
    refused({service: 'key-vault', status: 404}),
    'ERR_HTTP_404',
    /^the vault has no such secret$/,
  ],
  [
    'a vault that refuses',
    refused({service: 'key-vault', status: 403, error: 'Forbidden'}),
    'ERR_FORBIDDEN',
    /^the vault rejects/,
  ],
  [
    'a metadata service that refuses',
    refused({service: 'managed-identity', status: 403}),
    'ERR_HTTP_403',
    /refuses \(HTTP 403\)$/,
  ],
  ['no network', silent('ENETUNREACH'), 'ERR_UNREACHABLE', /cannot be reached \(ENETUNREACH\)$/],
  ['no name server', silent('EAI_AGAIN'), 'ERR_DNS', /cannot be resolved/],
  ['not yet valid', silent('CERT_NOT_YET_VALID'), 'ERR_TLS_EXPIRED', /is not yet valid$/],
  ['no TLS', silent('ERR_SSL_WRONG_VERSION_NUMBER'), 'ERR_TLS', /^no secure connection/],
  ['no TLS, by errno', silent('EPROTO'), 'ERR_TLS', /^no secure connection/],
  [
    'a self-signed certificate',
    silent('DEPTH_ZERO_SELF_SIGNED_CERT'),
    'ERR_TLS_UNTRUSTED',
    /not trusted here/,
  ],
  [
    'a proxy without name',
    silent('ERR_PROXY_UNREACHABLE', {
      proxy: 'proxy:3128',
      detail: 'the proxy proxy:3128 cannot be reached (ENOTFOUND)',
      hint: 'Check HTTPS_PROXY.',
    }),
    'ERR_PROXY_UNREACHABLE',
    /^the proxy proxy:3128/,
  ],
  [
    'TLS behind a proxy is the server’s',
    silent('CERT_HAS_EXPIRED', {proxy: 'proxy:3128'}),
    'ERR_TLS_EXPIRED',
    /no longer valid$/,
  ],
  ['an odd code', silent('E\u202eODD'), 'ERR_UNREACHABLE', /\(E\\u\{202e\}ODD\)$/],
  ['a foreign host', silent('ECONNREFUSED', {host: 'h\u001b[31m'}), 'ERR_UNREACHABLE', /^h\\u\{1b\}\[31m /],
  [
    'unforeseen',
    {kind: 'unexpected', detail: 'x'.repeat(1000)},
    'ERR_UNEXPECTED',
    /^unexpected failure \(x{200}…\)$/,
  ],
];

for (const [title, facts, code, message] of failures) {
  test(`advice: ${title}`, (t) => {
    const failure = advise(facts, {kind: 'client-secret'});
    t.is(failure.code, code);
    t.regex(failure.message, message);
    t.truthy(failure.hint);
    t.notRegex(`${failure.message}${failure.hint ?? ''}`, /[\u0000-\u001f\u202e]/);
  });
}

test('what is shown differs by kind', (t) => {
  t.regex(shown('client-certificate'), /refuses the certificate/);
  t.regex(shown('federated-token-file'), /refuses the assertion/);
});

test('a wrong clock is the reason only where time matters, and only if it is wrong', (t) => {
  t.regex(told('AADSTS700024', 7_200_000), /^this machine's clock is 2 h ahead/);
  t.regex(told('AADSTS700027', -600_000), /^this machine's clock is 10 min behind/);
  t.regex(told('AADSTS700024', 365 * 86_400_000), /365 days ahead/);
  t.regex(told('AADSTS700024', 60_000), /not valid at this time/);
  t.regex(told('AADSTS700024', undefined), /not valid at this time/);
  t.regex(told('AADSTS7000222', 7_200_000), /has expired$/);
});

test('an invalid client id does not get into an address', (t) => {
  const {hint} = advise(refused({codes: ['AADSTS7000222']}), {kind: 'client-secret', clientId: 'x y/../z'});
  t.notRegex(hint ?? '', /https:/);
});

test('an unknown code is not explained', (t) => {
  t.is(explainCode('AADSTS1'), undefined);
  t.is(explainCode('__proto__'), undefined);
});

const failuresSent: readonly [string, unknown, AcquirerFailure][] = [
  ['nothing', undefined, {kind: 'unexpected', detail: 'the acquirer sent no reason'}],
  ['an unknown kind', {kind: 'odd', detail: 'why'}, {kind: 'unexpected', detail: 'why'}],
  [
    'types that are wrong',
    {
      kind: 'rejected',
      service: 'odd',
      host: 7,
      status: 'x',
      error: 7,
      codes: [7, 'AADSTS1'],
      retryAfter: Infinity,
    },
    refused({host: '', status: 0, codes: ['AADSTS1']}),
  ],
  ['an unreachable one', {...silent('ENOTFOUND')}, silent('ENOTFOUND', {hint: undefined})],
  [
    'a local one',
    localFailure('ERR_X', 'why', 'how').failure,
    {kind: 'local', code: 'ERR_X', detail: 'why', hint: 'how'},
  ],
];

for (const [title, sent, expected] of failuresSent) {
  test(`a failure that was sent: ${title}`, (t) => t.deepEqual(failureFrom(sent), expected));
}

test('a failure’s error names it, for logs', (t) => {
  t.is(new AcquirerError(silent('ENOTFOUND')).message, 'ENOTFOUND');
  t.is(new AcquirerError(refused({})).message, 'rejected');
});

function shown(kind: string): string {
  return advise(refused({error: 'invalid_client'}), {kind}).message;
}

function told(code: string, skew: number | undefined): string {
  return advise(refused({codes: [code]}), {kind: 'client-certificate', skew}).message;
}
