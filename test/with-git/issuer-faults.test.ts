import test from 'ava';
import type {Fault} from '../cloud/faults.ts';
import {MINUTE} from '../helpers/fake-clock.ts';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gits} from '../helpers/gits.ts';
import {ProbedDaemon} from '../helpers/probed-daemon.ts';
import {inParallel} from '../helpers/requests.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();

interface Case {
  readonly name: string;
  readonly fault: Fault;
  /** What git's user reads at the end of the reason. `none`: there is a token all the same. */
  readonly code: RegExp | 'none';
  /** How often the issuer is asked at most. */
  readonly tries: number;
}

const entra: readonly Case[] = [
  {name: 'http-400', fault: {aadsts: 7000215, error: 'invalid_client'}, code: /AADSTS7000215/, tries: 1},
  {
    name: 'http-401',
    fault: {status: 401, body: {error: 'invalid_client'}},
    code: /ERR_INVALID_CLIENT/,
    tries: 1,
  },
  {
    name: 'http-429-2',
    fault: {status: 429, headers: {'retry-after': '2'}, body: {}},
    code: /ERR_THROTTLED/,
    tries: 3,
  },
  {
    name: 'http-429-3600',
    fault: {status: 429, headers: {'retry-after': '3600'}, body: {}},
    code: /ERR_THROTTLED/,
    tries: 1,
  },
  {name: 'http-500', fault: {status: 500, body: 'oops'}, code: /ERR_\w+/, tries: 3},
  {name: 'hang', fault: {hang: true}, code: /ERR_TIMEOUT|ERR_UNREACHABLE/, tries: 3},
  {name: 'reset', fault: {reset: true}, code: /ERR_\w+/, tries: 3},
  {name: 'truncated', fault: {truncate: 20}, code: /ERR_\w+/, tries: 3},
  {name: 'ten-megabytes', fault: {bodyLength: 10_000_000}, code: /ERR_UNUSABLE_ANSWER/, tries: 1},
  {name: 'no-json', fault: {status: 200, body: 'hello'}, code: /ERR_UNUSABLE_ANSWER/, tries: 1},
  {name: 'no-expires-in', fault: {omit: ['expires_in', 'expires_on']}, code: 'none', tries: 1},
];

/** It passes within a minute, and does not stop git. */
const UPDATING = /ERR_METADATA_UPDATING/;

const metadata: readonly Case[] = [
  {name: 'imds-404', fault: {status: 404, body: {error: 'not_found'}}, code: UPDATING, tries: 4},
  {name: 'imds-410', fault: {status: 410, body: {error: 'gone'}}, code: UPDATING, tries: 4},
  {name: 'imds-silent', fault: {hang: true}, code: /ERR_\w+/, tries: 3},
  {
    name: 'imds-429',
    fault: {status: 429, headers: {'retry-after': '2'}, body: {}},
    code: /ERR_THROTTLED/,
    tries: 4,
  },
];

const [git] = gits;
if (git === undefined) throw new Error('there is no git');

// each has an identity and a tenant of its own
const entries = [...entra, ...metadata].map((each) => {
  const tenant = cloud.addTenant();
  const identity = each.name.startsWith('imds')
    ? cloud.addManagedIdentity({tenant})
    : tenant.addApplication();
  cloud.addOrganization(each.name, {tenant, members: [identity]});
  const {clientId} = identity;
  const fields =
    'secret' in identity
      ? `clientId: ${clientId}, clientSecret: "${identity.secret}", tenantId: ${tenant.id}`
      : `clientId: ${clientId}`;
  const endpoint = 'secret' in identity ? 'token' : 'imds';
  const fault: Fault = {...each.fault, endpoint, client: clientId, times: 'always'};
  return {...each, endpoint, clientId, fault, line: `{organizations: [${each.name}], ${fields}}`} as const;
});
type Entry = (typeof entries)[number];

const daemon = new ProbedDaemon({
  configuration: `integrations:
  azure:
    - credentials:
${entries.map(({line}) => `        - ${line}\n`).join('')}orgkey: {prefetch: false}
`,
  environment: cloud.environment(),
});
test.after.always(() => daemon.close());
let home: GitHome;
test.before(async () => {
  await daemon.ready();
  home = await gitPerson(cloud, daemon, git);
});
test.after.always(() => home.remove());

/** A git that waited for ever would be ended, and have no reason to tell. */
function fill({name}: Entry): Promise<Ran> {
  return home.fill(`protocol=https\nhost=dev.azure.com\npath=${name}/web/_git/site\n\n`);
}

function asked({endpoint, clientId}: Entry): number {
  return cloud.requests.count({endpoint, client: clientId});
}

/** Some at once, since those that get no answer take their time; in the order of the table. */
function forAll(work: (entry: Entry) => Promise<void>): Promise<void[]> {
  return inParallel(entries, 3, work);
}

test.serial('a failure is reported with its code and repair after a few tries', async (t) => {
  await forAll(async (entry) => {
    const fault = cloud.fault(entry.fault);
    const {code, stdout, stderr} = await fill(entry);
    fault.clear();
    const tries = asked(entry);
    t.log(`${entry.name}: ${tries} tries; ${stderr.split('\n')[0] ?? ''}`);
    t.true(tries >= 1 && tries <= entry.tries, `${entry.name}: ${tries} tries`);
    if (entry.code === 'none') {
      t.regex(stdout, /^password=./m, entry.name);
      return;
    }
    const [error = '', ...hints] = stderr.split('\n');
    t.regex(error, new RegExp(`^orgkey: error: ${entry.name}: .+ \\((?:${entry.code.source})\\)$`), stderr);
    t.regex(hints.join('\n'), /^orgkey: hint: .+\norgkey: hint: run: orgkey doctor /, entry.name);
    t.is(/told us to quit/.test(stderr), entry.code !== UPDATING, stderr);
    t.not(code, 0);
  });
});

test.serial('a remembered failure causes no further request', async (t) => {
  // what wanted to be left alone for an hour still does
  const throttled = entries.find(({name}) => name === 'http-429-3600');
  if (throttled === undefined) return t.fail();
  const before = asked(throttled);
  t.regex((await fill(throttled)).stderr, /\(ERR_THROTTLED\)/);
  t.is(asked(throttled), before);
});

test.serial('a valid token is served while its issuer fails', async (t) => {
  cloud.clearFaults();
  cloud.requests.clear();
  // an hour, so that everybody may be asked again
  await daemon.pass(61 * MINUTE);
  const first = new Map<string, string>();
  await forAll(async (entry) => {
    const {stdout, stderr} = await fill(entry);
    t.regex(stdout, /^password=./m, `${entry.name}: ${stderr}`);
    first.set(entry.name, stdout);
  });
  // Entra's tokens live for an hour, a managed identity's for a day
  for (const [minutes, which] of [
    [51, entries.filter(({endpoint}) => endpoint === 'token')],
    [23 * 60, entries.filter(({endpoint}) => endpoint === 'imds')],
  ] as const) {
    cloud.requests.clear();
    // before the time passes: the daemon may renew ahead at any moment
    const faults = which.map(({fault}) => cloud.fault(fault));
    await daemon.pass(minutes * MINUTE);
    await inParallel(which, 3, async (entry) => {
      const {code, stdout, stderr} = await fill(entry);
      t.is(code, 0, `${entry.name}: ${stderr}`);
      if (entry.code !== 'none') t.is(stdout, first.get(entry.name) ?? '', entry.name);
      t.true(asked(entry) >= 1, entry.name);
    });
    for (const fault of faults) fault.clear();
  }
});

for (const certificate of ['expired', 'untrusted', 'wrong-name'] as const) {
  test.serial(`a certificate that is ${certificate}: a reason, and no request was made`, async (t) => {
    const [entry] = entries;
    if (entry === undefined) return t.fail();
    cloud.requests.clear();
    // over, and whatever was remembered of it too
    await daemon.pass(2 * 24 * 60 * MINUTE);
    const fault = cloud.fault({
      endpoint: 'tls',
      host: 'login.microsoftonline.com',
      certificate,
      times: 'always',
    });
    const {stderr} = await fill(entry);
    fault.clear();
    t.regex(stderr, /^orgkey: error: http-400: client secret .*certificate.* \(\w+\)\norgkey: hint: .+\n/);
    t.is(asked(entry), 0);
    t.log(stderr.split('\n')[0] ?? '');
  });
}
