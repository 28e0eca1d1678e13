import test from 'ava';
import {startDaemon} from '../helpers/daemon.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gits} from '../helpers/gits.ts';
import {claimsIn, getFor, passwordIn} from '../helpers/requests.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudForSerial} from '../helpers/cloud-for.ts';

const cloud = await cloudForSerial();

const tenant = cloud.addTenant();
const other = cloud.addTenant();
const app = tenant.addApplication({multitenant: true});
const names = Array.from({length: 10}, (_, at) => `contoso-${at}`);
const organizations = names.map((name) => cloud.addOrganization(name, {tenant, members: [app]}));
const abroad = cloud.addOrganization('abroad', {tenant: other, members: [app.principal(other)]});

/** Nothing is asked for ahead: what is acquired is what gits want. */
const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [${names.join(', ')}], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
        - {organizations: [abroad], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${other.id}}
orgkey: {prefetch: false}
`;

const start = () => startDaemon({configuration, environment: cloud.environment()});

test.serial('a thousand first requests at once are one acquisition', async (t) => {
  const daemon = await start();
  t.teardown(() => daemon.close());
  const answers = await Promise.all(
    Array.from({length: 1000}, (_, at) => daemon.ask(getFor(names[at % 10] ?? ''))),
  );
  const passwords = new Set(answers.map(passwordIn));
  t.is(passwords.size, 1);
  t.false(passwords.has(''));
  t.is(cloud.requests.count({endpoint: 'token'}), 1, 'ten organizations of one identity among them');
});

test.serial('a thousand first requests at once share a rejection too', async (t) => {
  const daemon = await start();
  t.teardown(() => daemon.close());
  // a refusal is good for so long, however slowly they come
  const headers = {'retry-after': '300'};
  cloud.fault({endpoint: 'token', aadsts: 7000222, error: 'invalid_client', headers, times: 'always'});
  const answers = await Promise.all(Array.from({length: 1000}, () => daemon.ask(getFor('contoso-1'))));
  t.is(new Set(answers).size, 1);
  t.regex(answers[0] ?? '', /^orgkey-error=contoso-1: client secret .* \(AADSTS7000222\)$/m);
  t.is(cloud.requests.count({endpoint: 'token'}), 1);
});

test.serial('two tenants of one client id get two tokens, never mixed', async (t) => {
  const daemon = await start();
  t.teardown(() => daemon.close());
  const answers = await Promise.all(
    Array.from({length: 200}, async (_, at) => {
      const organization = at % 2 === 0 ? 'abroad' : (names[at % 10] ?? '');
      return {organization, password: passwordIn(await daemon.ask(getFor(organization)))};
    }),
  );
  t.is(new Set(answers.map(({password}) => password)).size, 2);
  for (const {organization, password} of answers)
    t.is(claimsIn(password)['tid'], organization === 'abroad' ? other.id : tenant.id);
  t.deepEqual(cloud.requests.countBy('tenant', {endpoint: 'token'}), {[tenant.id]: 1, [other.id]: 1});
});

for (const git of gits) {
  const withGit = testUnless(git.missing, test.serial);
  withGit(`${git.name}: a clone with 24 submodules, eight at a time, is one acquisition each`, async (t) => {
    const daemon = await start();
    t.teardown(() => daemon.close());
    const home = await gitPerson(cloud, daemon, git);
    t.teardown(() => home.remove());
    const name = git.name.replaceAll(/[^a-z0-9]/g, '-');
    const submodules = Array.from({length: 24}, (_, at) => {
      // every sixth one lies in the other tenant
      const organization = at % 6 === 0 ? abroad : organizations[at % 10];
      const repository = organization?.addRepository(`${name}/module-${at}`, {files: {a: `${at}`}});
      return {path: `module-${at}`, url: repository?.url ?? ''};
    });
    const whole = organizations[0]?.addRepository(`${name}/whole`, {submodules});
    await home.succeed(['clone', '-q', '--recurse-submodules', '--jobs', '8', whole?.url ?? '', 'whole']);
    t.regex(
      await home.succeed(['-C', 'whole', 'submodule', 'status']),
      /^(?: ?[0-9a-f]{40} module-\d+.*\n?){24}$/,
    );
    t.deepEqual(cloud.requests.countBy('tenant', {endpoint: 'token'}), {[tenant.id]: 1, [other.id]: 1});
  });
}
