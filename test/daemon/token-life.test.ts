import test from 'ava';
import type {Notice} from '../../src/control/control-protocol.ts';
import {HOUR, MINUTE, SECOND} from '../helpers/fake-clock.ts';
import {until} from '../helpers/patience.ts';
import {startProbed, type ProbedDaemon} from '../helpers/probed-daemon.ts';
import {claimsIn, getFor, passwordIn} from '../helpers/requests.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

// serial: the tests share the cloud's clock, requests and faults

const cloud = await cloudForFile();
test.afterEach.always(() => {
  cloud.clearFaults();
  cloud.requests.clear();
  cloud.clockOffset = 0;
  cloud.tokenSettings.life = 3599;
});

const tenant = cloud.addTenant();
const app = tenant.addApplication();
const names = ['contoso', 'fabrikam'];
for (const name of names) cloud.addOrganization(name, {tenant, members: [app]});

const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [${names.join(', ')}], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
orgkey: {prefetch: false}
`;

/** Moves the clocks of the daemon and of the cloud. */
async function pass(daemon: ProbedDaemon, milliseconds: number): Promise<void> {
  cloud.clockOffset += milliseconds;
  await daemon.pass(milliseconds);
}

/** Returns how long a token still lives by the cloud's clock, in milliseconds. */
function leftOf(password: string): number {
  return Number(claimsIn(password)['exp']) * 1000 - cloud.now();
}

/** Returns the levels of the organizations' notices. The acquirer's clock is not moved, so there is one about it too. */
function levelsOf(notices: readonly Notice[]): string[] {
  return notices.filter(({about}) => about === 'organization').map(({level}) => level);
}

/** Resolves when no refresh is under way. */
async function quiet(daemon: ProbedDaemon): Promise<void> {
  await until(
    'the answer to a refresh',
    async () => (await daemon.status()).organizations,
    (organizations) => organizations.every(({state}) => state !== 'refreshing'),
  );
}

for (const [life, name] of [
  [2 * MINUTE, 'two minutes'],
  [10 * MINUTE, 'ten minutes'],
  [HOUR, 'an hour'],
  [24 * HOUR, 'a day'],
] as const) {
  test.serial(`tokens that live ${name} are renewed in time, with few requests`, async (t) => {
    cloud.tokenSettings.life = life / SECOND;
    const daemon = await startProbed({configuration, environment: cloud.environment()});
    t.teardown(() => daemon.close());
    const guaranteed = Math.min(10 * MINUTE, life / 2);
    const steps = 25;
    for (let step = 0; step < steps; step++) {
      const password = passwordIn(await daemon.ask(getFor('contoso')));
      const left = leftOf(password);
      // the cloud counts in whole seconds
      t.true(left >= guaranteed - 2 * SECOND, `step ${step}: ${left} of ${life}`);
      await quiet(daemon);
      await pass(daemon, life / 10);
    }
    const acquired = cloud.requests.count({endpoint: 'token'});
    t.log(`${acquired} in 2.5 lives`);
    t.true(acquired >= 3 && acquired <= 7, `${acquired}`);
  });
}

test.serial('a token that lives a minute is not handed out', async (t) => {
  cloud.tokenSettings.life = 60;
  const daemon = await startProbed({configuration, environment: cloud.environment()});
  t.teardown(() => daemon.close());
  const answer = await daemon.ask(getFor('contoso'));
  t.is(passwordIn(answer), '');
  t.regex(answer, /^orgkey-error=contoso: client secret .* less than a minute \(ERR_TOKEN_EXPIRED\)$/m);
  t.regex(answer, /^orgkey-hint=.*clock/m);
  t.is(cloud.requests.count({endpoint: 'token'}), 1);
});

test.serial('an old token is served while its successor is acquired', async (t) => {
  const daemon = await startProbed({configuration, environment: cloud.environment()});
  t.teardown(() => daemon.close());
  const first = passwordIn(await daemon.ask(getFor('contoso')));
  await pass(daemon, 48 * MINUTE);
  const hang = cloud.fault({endpoint: 'token', hang: true, times: 'always'});
  for (let again = 0; again < 20; again++)
    t.is(passwordIn(await daemon.ask(getFor(names[again % 2] ?? ''))), first);
  await cloud.requests.waitFor({endpoint: 'token'}, 2);
  t.is(cloud.requests.filter({endpoint: 'token'})[1]?.status, undefined, 'git did not wait for it');
  t.true(cloud.requests.count({endpoint: 'token'}) <= 4, 'one acquisition of at most three tries');
  hang.clear();
});

test.serial('in an outage the old token is served until a minute before its end', async (t) => {
  // a request of the daemon before may have been counted late
  const before = cloud.requests.count({endpoint: 'token'});
  const daemon = await startProbed({configuration, environment: cloud.environment()});
  t.teardown(() => daemon.close());
  const first = passwordIn(await daemon.ask(getFor('contoso')));
  t.not(first, '');
  cloud.fault({endpoint: 'proxy', reset: true, times: 'always'});
  for (const [minutes, said] of [
    [0, 'ok'],
    [46, 'failed'],
    [8, 'failed'],
    [4, 'failed'],
  ] as const) {
    await pass(daemon, minutes * MINUTE);
    t.is(passwordIn(await daemon.ask(getFor('fabrikam'))), first, `${minutes} minutes later`);
    await quiet(daemon);
    const {organizations, notices} = await daemon.status();
    t.is(organizations[0]?.state, said);
    t.deepEqual(levelsOf(notices), said === 'ok' ? [] : ['warning']);
  }
  await pass(daemon, 2 * MINUTE);
  const answer = await daemon.ask(getFor('fabrikam'));
  t.is(passwordIn(answer), '');
  t.regex(answer, /^orgkey-error=fabrikam: client secret .* \(ERR_\w+\)$/m);
  t.deepEqual(levelsOf((await daemon.status()).notices), ['error']);
  t.is(cloud.requests.count({endpoint: 'token'}), before + 1);

  cloud.clearFaults();
  await pass(daemon, 2 * MINUTE);
  t.not(passwordIn(await daemon.ask(getFor('fabrikam'))), '', 'after the outage a new token is served');
  t.deepEqual(levelsOf((await daemon.status()).notices), []);
});

test.serial('tokens are acquired at the start, before any request', async (t) => {
  const daemon = await startProbed({
    configuration: configuration.replace('orgkey: {prefetch: false}\n', ''),
    environment: cloud.environment(),
  });
  t.teardown(() => daemon.close());
  await cloud.requests.waitFor({endpoint: 'token', status: 200});
  t.not(passwordIn(await daemon.ask(getFor('contoso'))), '');
  t.is(cloud.requests.count({endpoint: 'token'}), 1);
});

test.serial('a failure is remembered for seconds, then tried again', async (t) => {
  const daemon = await startProbed({configuration, environment: cloud.environment()});
  t.teardown(() => daemon.close());
  cloud.fault({endpoint: 'token', aadsts: 7000222, error: 'invalid_client', times: 'always'});
  const answers = new Set<string>();
  for (let again = 0; again < 200; again++) answers.add(await daemon.ask(getFor('contoso')));
  t.is(answers.size, 1);
  t.regex([...answers].join(), /^orgkey-error=contoso: client secret .* \(AADSTS7000222\)$/m);
  // one at once, then after 1, 2, 4 … seconds
  t.true(cloud.requests.count({endpoint: 'token'}) <= 4);

  const {organizations, notices, health} = await daemon.status();
  t.is(health, 'error');
  for (const {organization, state, lastFailure} of organizations) {
    t.is(state, 'failed');
    t.is(lastFailure?.code, 'AADSTS7000222');
    const notice = notices.find(({organizations: sharing}) => sharing?.includes(organization ?? ''));
    t.regex(notice?.message ?? '', /\(AADSTS7000222\)$/);
    t.truthy(notice?.hint);
  }
  cloud.clearFaults();
  await pass(daemon, MINUTE);
  t.not(passwordIn(await daemon.ask(getFor('contoso'))), '');
  t.deepEqual(levelsOf((await daemon.status()).notices), []);
});
