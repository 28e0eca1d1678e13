import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {daemonFor} from '../../helpers/daemon.ts';
import {eraseFor, getFor, passwordIn} from '../../helpers/requests.ts';
import {testUnless} from '../../helpers/test-unless.ts';
import {cloudFor} from '../../helpers/cloud-for.ts';

const root = join(import.meta.dirname, '../../..');
const promtool = join(root, '.cache/prometheus/bin/promtool');
const whyNot = existsSync(promtool)
  ? undefined
  : 'there is no promtool: scripts/test-packages prometheus brings one';
const monitoring = join(root, 'scripts/deploy/monitoring');
const rules = join(monitoring, 'prometheus-rules.yaml');

/** Returns what a daemon says after requests of every outcome. */
async function pageOf(t: ExecutionContext): Promise<string> {
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const {certificate, pem} = await cloud.createClientCertificate();
  const app = tenant.addApplication({certificates: [certificate]});
  cloud.addOrganization('Contoso', {tenant, members: [app]});
  const daemon = await daemonFor(t, {
    configuration: `integrations:
  azure:
    - credentials:
        - organizations: [Contoso]
          clientId: ${app.clientId}
          tenantId: ${tenant.id}
          clientCertificate: ${JSON.stringify(pem)}
        - {organizations: [refused], clientId: ${app.clientId}, clientSecret: wrong, tenantId: ${tenant.id}}
    - {host: tfs1.example.org, credentials: [{organizations: [DefaultCollection], personalAccessToken: {$command: [/bin/false]}}]}
    - {host: tfs2.example.org, credentials: [{organizations: [DefaultCollection], personalAccessToken: {$command: [/bin/false]}}]}
orgkey: {prefetch: false, sockets: [{name: team, organizations: [contoso]}]}
`,
    environment: cloud.environment(),
  });
  const password = passwordIn(await daemon.ask(getFor('contoso')));
  await daemon.ask(getFor('contoso'), join(daemon.runtime, 'scoped/team/git.sock'));
  await daemon.ask(eraseFor('contoso', password));
  await daemon.ask(getFor('refused'));
  for (const host of ['tfs1.example.org', 'tfs2.example.org'])
    await daemon.get({protocol: 'https', host, path: 'DefaultCollection/p/_git/r'});
  return (await daemon.call('metrics', undefined)).text;
}

test('the metrics name each server, rejection and certificate once, as the alerts expect', async (t) => {
  const page = await pageOf(t);
  const samples = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const names = samples.map((line) => line.replace(/ [^ ]+$/, ''));
  t.is(new Set(names).size, names.length, 'no sample repeats');
  const valueOf = (name: string) => {
    const found = samples.filter((line) => line.startsWith(`${name} `));
    return Number(found[0]?.slice(name.length));
  };
  const contoso = 'host="dev.azure.com",organization="contoso"';
  t.is(valueOf(`orgkey_credential_rejected_total{${contoso}}`), 1);
  t.is(valueOf(`orgkey_credential_rejected{${contoso},kind="client-certificate"}`), 1);
  const end = valueOf(`orgkey_credential_expiry_timestamp_seconds{${contoso},kind="client-certificate"}`);
  t.true(end > Date.now() / 1000 && end < Date.now() / 1000 + 800 * 86_400);
  t.is(
    valueOf(`orgkey_requests_total{${contoso},socket="team",kind="client-certificate",outcome="served"}`),
    1,
  );
  t.is(
    valueOf(`orgkey_requests_total{${contoso},socket="git",kind="client-certificate",outcome="erased"}`),
    1,
  );
  for (const host of ['tfs1.example.org', 'tfs2.example.org'])
    t.is(
      valueOf(
        `orgkey_token_failure{host="${host}",organization="defaultcollection",kind="pat",code="ERR_SECRET_COMMAND"}`,
      ),
      1,
    );
  t.is(valueOf('orgkey_acquisitions_total{kind="client-secret",result="failed",code="AADSTS7000215"}'), 1);
  t.is(valueOf('orgkey_acquisitions_under_way'), 0);
  t.is(valueOf('orgkey_audit_failing'), 0);
  t.is(valueOf('orgkey_healthy'), 0);
  t.true(valueOf('process_start_time_seconds') > 1_000_000_000);
  // those without a sample, too
  const families = new Set(Array.from(page.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name));
  for (const file of [rules, join(monitoring, 'dashboard.json'), join(root, 'docs/recipes/monitoring.md')]) {
    const text = readFileSync(file, 'utf8');
    const used = new Set(
      text.match(/\b(?:orgkey|process)_[a-z]+_[a-z_]*[a-z]\b|\borgkey_(?:healthy|connections)\b/g),
    );
    t.true(used.size > 10, file);
    const unknown = [...used].filter((name) => !families.has(name.replace(/_bucket$/, '')));
    t.deepEqual(unknown, [], `${file} uses metrics that exist`);
  }
});

testUnless(whyNot)('promtool finds no fault in the metrics and the alerts', async (t) => {
  const page = await pageOf(t);
  t.is(execFileSync(promtool, ['check', 'metrics'], {input: page, encoding: 'utf8'}), '');
  t.regex(execFileSync(promtool, ['check', 'rules', rules], {encoding: 'utf8'}), /SUCCESS: \d+ rules found/);
});
