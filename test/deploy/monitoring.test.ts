import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import type {Loose} from '../helpers/kubernetes-objects.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'scripts/deploy/monitoring');
const promtool = join(root, '.cache/prometheus/bin/promtool');
const whyNot = existsSync(promtool)
  ? undefined
  : 'there is no promtool: scripts/test-packages prometheus brings one';

/** Series by name and labels, with a value for each minute in promtool's notation. */
type Series = Readonly<Record<string, string>>;

interface Example {
  readonly fires: Series;
  readonly silent: Series;
  /** When it is asked. */
  readonly at?: string;
}

const daemon = 'job="orgkey",instance="a"';
const contoso = `${daemon},host="dev.azure.com",organization="contoso",kind="pat"`;
/** The clock of promtool starts at 0. */
const inDays = (days: number) => String(days * 86_400);
const bucket = (le: string) =>
  `orgkey_request_duration_seconds_bucket{${daemon},outcome="served",le="${le}"}`;

const EXAMPLES: Readonly<Record<string, Example>> = {
  OrgkeyDown: {
    fires: {[`up{${daemon}}`]: '1 0x30'},
    silent: {[`up{${daemon}}`]: '1x27 0x3'},
  },
  OrgkeyAbsent: {
    fires: {'up{job="node"}': '1x60'},
    silent: {[`up{${daemon}}`]: '1x60'},
  },
  OrgkeyUnhealthy: {
    fires: {[`orgkey_healthy{${daemon}}`]: '1 0x30'},
    silent: {[`orgkey_healthy{${daemon}}`]: '1x28 0x2'},
  },
  OrgkeyTokenFailure: {
    fires: {[`orgkey_token_failure{${contoso},code="ERR_X"}`]: '1x30'},
    // one failure that the next attempt ends
    silent: {[`orgkey_token_failure{${contoso},code="ERR_X"}`]: '_x20 1x5 _x5'},
  },
  OrgkeyTokenEnds: {
    fires: {
      [`orgkey_token_expiry_timestamp_seconds{${contoso}}`]: '1900x30',
      [`orgkey_token_failure{${contoso},code="ERR_X"}`]: '1x30',
    },
    // it is not used, and so it is not renewed
    silent: {[`orgkey_token_expiry_timestamp_seconds{${contoso}}`]: '1900x30'},
  },
  OrgkeyTokenNotRenewed: {
    fires: {[`orgkey_token_renewal_failures_total{${daemon},kind="pat"}`]: '0+1x30'},
    silent: {[`orgkey_token_renewal_failures_total{${daemon},kind="pat"}`]: '5x20 6x10'},
  },
  OrgkeyCredentialRejected: {
    fires: {[`orgkey_credential_rejected{${contoso}}`]: '1x30'},
    silent: {[`orgkey_credential_rejected{${contoso}}`]: '0x30'},
  },
  OrgkeyCertificateEnds: {
    fires: {[`orgkey_credential_expiry_timestamp_seconds{${contoso}}`]: `${inDays(13)}x30`},
    silent: {[`orgkey_credential_expiry_timestamp_seconds{${contoso}}`]: `${inDays(15)}x30`},
  },
  OrgkeyConfigurationInvalid: {
    fires: {[`orgkey_configuration_valid{${daemon}}`]: '0x30'},
    silent: {[`orgkey_configuration_valid{${daemon}}`]: '1x28 0x2'},
  },
  OrgkeyAuditIncomplete: {
    fires: {
      [`orgkey_audit_lines_lost_total{${daemon}}`]: '0x20 3x10',
      [`orgkey_audit_failing{${daemon}}`]: '0x30',
    },
    silent: {
      [`orgkey_audit_lines_lost_total{${daemon}}`]: '3x30',
      [`orgkey_audit_failing{${daemon}}`]: '0x30',
    },
  },
  OrgkeySlow: {
    fires: {[bucket('1')]: '0+10x60', [bucket('5')]: '0+60x60', [bucket('+Inf')]: '0+60x60'},
    silent: {[bucket('1')]: '0+60x60', [bucket('5')]: '0+60x60', [bucket('+Inf')]: '0+60x60'},
    at: '50m',
  },
  OrgkeyGatewayFails: {
    fires: {[`orgkey_gateway_requests_total{${daemon},gateway="x",outcome="failed"}`]: '0+1x30'},
    silent: {[`orgkey_gateway_requests_total{${daemon},gateway="x",outcome="denied"}`]: '0+1x30'},
  },
  OrgkeyBusy: {
    fires: {[`orgkey_event_loop_active_seconds_total{${daemon}}`]: '0+57x30'},
    silent: {[`orgkey_event_loop_active_seconds_total{${daemon}}`]: '0+20x30'},
  },
  OrgkeyMemory: {
    fires: {[`process_resident_memory_bytes{${daemon}}`]: '300000000x30'},
    // another program
    silent: {'process_resident_memory_bytes{job="node",instance="a"}': '300000000x30'},
  },
  OrgkeyDescriptors: {
    fires: {[`process_open_fds{${daemon}}`]: '900x30', [`process_max_fds{${daemon}}`]: '1000x30'},
    silent: {[`process_open_fds{${daemon}}`]: '30x30', [`process_max_fds{${daemon}}`]: '1000x30'},
  },
  OrgkeyVersionsDiffer: {
    fires: {
      'orgkey_build_info{job="orgkey",instance="a",version="1"}': '1x2000',
      'orgkey_build_info{job="orgkey",instance="b",version="2"}': '1x2000',
    },
    // an update, machine after machine
    silent: {
      'orgkey_build_info{job="orgkey",instance="a",version="1"}': '1x300 _x1700',
      'orgkey_build_info{job="orgkey",instance="b",version="2"}': '1x2000',
    },
    at: '30h',
  },
};

const rules: Loose[] = parse(readFileSync(join(folder, 'prometheus-rules.yaml'), 'utf8')).groups[0].rules;

test('every alert has examples, a severity and a summary', (t) => {
  t.deepEqual(
    rules.map(({alert}) => alert).toSorted((a, b) => a.localeCompare(b)),
    Object.keys(EXAMPLES).toSorted((a, b) => a.localeCompare(b)),
  );
  for (const {alert, labels, annotations} of rules) {
    t.regex(labels.severity, /^(?:page|ticket)$/, alert);
    t.truthy(annotations.summary, alert);
  }
});

const asked = (alertname: string, series: Series, at = '29m') => ({
  interval: '1m',
  input_series: Object.entries(series).map(([name, values]) => ({series: name, values})),
  promql_expr_test: [
    {
      expr: `count(ALERTS{alertname="${alertname}",alertstate="firing"})`,
      eval_time: at,
      exp_samples: [{labels: '{}', value: 1}],
    },
  ],
});
const silent = (alertname: string, series: Series, at = '29m') => {
  const {promql_expr_test: _, ...inputs} = asked(alertname, series, at);
  return {...inputs, alert_rule_test: [{alertname, eval_time: at, exp_alerts: []}]};
};

testUnless(whyNot)('each alert fires on its example, and not on a harmless one', (t) => {
  const tests = Object.entries(EXAMPLES).flatMap(([name, {fires, silent: harmless, at}]) => [
    asked(name, fires, at),
    silent(name, harmless, at),
  ]);
  const run = (wanted: readonly unknown[]) => {
    const directory = scratchDirectory(t);
    const file = join(directory, 'tests.json');
    writeFileSync(
      file,
      JSON.stringify({
        rule_files: [join(folder, 'prometheus-rules.yaml')],
        evaluation_interval: '1m',
        tests: wanted,
      }),
    );
    return spawnSync(promtool, ['test', 'rules', file], {encoding: 'utf8'});
  };
  const {status, stdout, stderr} = run(tests);
  t.is(status, 0, `${stdout}${stderr}`);
  // what a test is worth: with the examples exchanged, each fails
  for (const [name, {fires, silent: harmless, at}] of Object.entries(EXAMPLES).slice(0, 2))
    t.not(run([asked(name, harmless, at), silent(name, fires, at)]).status, 0, name);
});

const {panels, templating}: Loose = JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8'));

test('the panels of the dashboard have their own ids and places on the grid', (t) => {
  t.is(new Set(panels.map(({id}: Loose) => id)).size, panels.length);
  const taken = new Map<string, string>();
  for (const {
    title,
    gridPos: {x, y, w, h},
  } of panels) {
    t.true(x >= 0 && x + w <= 24 && h > 0, title);
    for (let column = x; column < x + w; column++)
      for (let row = y; row < y + h; row++) {
        t.is(taken.get(`${column} ${row}`), undefined, `${title} covers another panel`);
        taken.set(`${column} ${row}`, title);
      }
  }
});

test('the dashboard names no data source, and its queries only variables that it has', (t) => {
  const names = new Set(templating.list.map(({name}: Loose) => name));
  t.is(templating.list[0].type, 'datasource');
  for (const {title, datasource, targets, fieldConfig} of panels) {
    t.is(datasource.uid, '${datasource}', title);
    t.truthy(fieldConfig.defaults.unit);
    t.true(targets.length > 0);
    for (const {expr} of targets)
      for (const [, name = ''] of expr.matchAll(/\$\{?(\w+)/g))
        t.true(names.has(name) || name.startsWith('__'), `${title}: ${name}`);
  }
});

testUnless(whyNot)('Prometheus can read every query of the dashboard', (t) => {
  const queries = panels.flatMap(({targets}: Loose) => targets.map(({expr}: Loose) => expr));
  const groups = [
    {
      name: 'dashboard',
      rules: queries.map((expr: string, at: number) => ({
        record: `q${at}`,
        expr: expr
          .replaceAll('$__rate_interval', '5m')
          .replaceAll('$__range', '1h')
          .replaceAll('$instance', '.*'),
      })),
    },
  ];
  const file = join(scratchDirectory(t), 'queries.json');
  writeFileSync(file, JSON.stringify({groups}));
  const {status, stderr} = spawnSync(promtool, ['check', 'rules', file], {encoding: 'utf8'});
  t.is(status, 0, stderr);
});
