import {
  ThresholdsMode,
  type Dashboard,
  type DataSourceRef,
  type Panel,
  type ThresholdsConfig,
} from '@grafana/schema';

/** Chosen by who looks at it: no data source has the same name everywhere. */
const SOURCE: DataSourceRef = {type: 'prometheus', uid: '${datasource}'};

type Unit = 's' | 'bytes' | 'Bps' | 'short' | 'percentunit' | 'reqps';

interface Drawing {
  readonly title: string;
  readonly description?: string;
  /** What is shown, by legend. */
  readonly shows: Readonly<Record<string, string>>;
  readonly unit?: Unit;
  readonly type?: 'timeseries' | 'stat' | 'table';
  /** Of 24. */
  readonly width: number;
  readonly height?: number;
  /** Values from here on are red. */
  readonly bad?: {readonly from: number} | {readonly below: number};
}

/** The rows of the dashboard. Every query is limited to the instances that are chosen. */
const ROWS: readonly (readonly Drawing[])[] = [
  [
    {
      title: 'Well',
      type: 'stat',
      width: 4,
      height: 4,
      bad: {below: 1},
      shows: {'': 'min(orgkey_healthy{$of})'},
    },
    {
      title: 'Organizations that fail',
      type: 'stat',
      width: 5,
      height: 4,
      bad: {from: 1},
      shows: {
        '': 'count(orgkey_token_failure{$of} == 1 or orgkey_credential_rejected{$of} == 1) or vector(0)',
      },
    },
    {
      title: 'Configuration in force',
      type: 'stat',
      width: 5,
      height: 4,
      bad: {below: 1},
      shows: {'': 'min(orgkey_configuration_valid{$of})'},
    },
    {
      title: 'Audit lines lost',
      type: 'stat',
      width: 5,
      height: 4,
      bad: {from: 1},
      shows: {'': 'sum(increase(orgkey_audit_lines_lost_total{$of}[$__range]))'},
    },
    {
      title: 'Versions',
      type: 'stat',
      width: 5,
      height: 4,
      shows: {'{{version}}': 'count by (version) (orgkey_build_info{$of})'},
    },
  ],
  [
    {
      title: 'Requests of git',
      width: 12,
      unit: 'reqps',
      shows: {'{{outcome}}': 'sum by (outcome) (rate(orgkey_requests_total{$of}[$__rate_interval]))'},
    },
    {
      title: 'Time to answer',
      width: 12,
      unit: 's',
      shows: {
        'half of them': quantile(0.5, 'orgkey_request_duration_seconds'),
        '99 of 100': quantile(0.99, 'orgkey_request_duration_seconds'),
      },
    },
  ],
  [
    {
      title: 'Failures',
      description: 'Organizations without a token, or whose token cannot be renewed.',
      type: 'table',
      width: 12,
      shows: {'': 'orgkey_token_failure{$of} == 1'},
    },
    {
      title: 'Credentials that Azure DevOps rejected',
      width: 12,
      unit: 'short',
      shows: {
        '{{host}} {{organization}}':
          'sum by (host, organization) (increase(orgkey_credential_rejected_total{$of}[$__rate_interval]))',
      },
    },
  ],
  [
    {
      title: 'Time left of tokens',
      width: 12,
      unit: 's',
      bad: {below: 300},
      shows: {'{{organization}} {{instance}}': 'orgkey_token_expiry_timestamp_seconds{$of} - time()'},
    },
    {
      title: 'Time left of certificates',
      width: 12,
      unit: 's',
      bad: {below: 14 * 86_400},
      shows: {'{{organization}} {{instance}}': 'orgkey_credential_expiry_timestamp_seconds{$of} - time()'},
    },
  ],
  [
    {
      title: 'Requests to issuers',
      width: 8,
      unit: 'reqps',
      shows: {
        '{{kind}} {{result}} {{code}}':
          'sum by (kind, result, code) (rate(orgkey_acquisitions_total{$of}[$__rate_interval]))',
      },
    },
    {
      title: 'Time of issuers',
      width: 8,
      unit: 's',
      shows: {'99 of 100': quantile(0.99, 'orgkey_acquisition_duration_seconds')},
    },
    {
      title: 'Renewals that failed',
      width: 8,
      unit: 'short',
      shows: {
        '{{kind}}': 'sum by (kind) (increase(orgkey_token_renewal_failures_total{$of}[$__rate_interval]))',
      },
    },
  ],
  [
    {
      title: 'Gateways: requests',
      width: 8,
      unit: 'reqps',
      shows: {
        '{{gateway}} {{outcome}}':
          'sum by (gateway, outcome) (rate(orgkey_gateway_requests_total{$of}[$__rate_interval]))',
      },
    },
    {
      title: 'Gateways: bytes',
      width: 8,
      unit: 'Bps',
      shows: {
        '{{gateway}} {{direction}}':
          'sum by (gateway, direction) (rate(orgkey_gateway_bytes_total{$of}[$__rate_interval]))',
      },
    },
    {
      title: 'Submodules over SSH',
      width: 8,
      unit: 'reqps',
      shows: {'{{outcome}}': 'sum by (outcome) (rate(orgkey_ssh_grants_total{$of}[$__rate_interval]))'},
    },
  ],
  [
    {
      title: 'Memory',
      width: 8,
      unit: 'bytes',
      shows: {'{{instance}}': 'process_resident_memory_bytes{$of}'},
    },
    {
      title: 'Busy',
      width: 8,
      unit: 'percentunit',
      shows: {'{{instance}}': 'rate(orgkey_event_loop_active_seconds_total{$of}[$__rate_interval])'},
    },
    {title: 'Connections', width: 8, unit: 'short', shows: {'{{instance}}': 'orgkey_connections{$of}'}},
  ],
];

/** Returns the dashboard for Grafana 10 and later, as JSON. */
export function dashboard(): string {
  const model: Dashboard = {
    uid: 'orgkey',
    title: 'orgkey',
    description: 'Credentials for git, by organization.',
    tags: ['orgkey'],
    schemaVersion: 36,
    editable: true,
    refresh: '1m',
    time: {from: 'now-6h', to: 'now'},
    timezone: 'browser',
    templating: {
      list: [
        {type: 'datasource', name: 'datasource', label: 'Data source', query: 'prometheus'},
        {
          type: 'query',
          name: 'instance',
          label: 'Instance',
          datasource: SOURCE,
          query: 'label_values(orgkey_build_info, instance)',
          includeAll: true,
          allValue: '.*',
          multi: true,
        },
      ],
    },
    panels: placed(ROWS),
  };
  return `${JSON.stringify(model, undefined, 2)}\n`;
}

function placed(rows: typeof ROWS): Panel[] {
  const panels: Panel[] = [];
  let y = 0;
  for (const row of rows) {
    let x = 0;
    for (const drawing of row) {
      const {width, height = 8} = drawing;
      panels.push({id: panels.length + 1, gridPos: {x, y, w: width, h: height}, ...drawn(drawing)});
      x += width;
    }
    y += Math.max(...row.map(({height = 8}) => height));
  }
  return panels;
}

function drawn({title, description, shows, unit = 'short', type = 'timeseries', bad}: Drawing): Panel {
  return {
    type,
    title,
    ...(description === undefined ? {} : {description}),
    datasource: SOURCE,
    targets: Object.entries(shows).map(([legendFormat, expr], at) => ({
      refId: String.fromCodePoint(65 + at),
      expr: expr.replaceAll('$of', 'instance=~"$instance"'),
      ...(legendFormat === '' ? {} : {legendFormat}),
      ...(type === 'table' ? {format: 'table', instant: true} : {}),
    })),
    fieldConfig: {
      defaults: {unit, ...(bad === undefined ? {} : {thresholds: thresholds(bad)})},
      overrides: [],
    },
  };
}

function thresholds(bad: NonNullable<Drawing['bad']>): ThresholdsConfig {
  const [first, next, from] =
    'from' in bad ? (['green', 'red', bad.from] as const) : (['red', 'green', bad.below] as const);
  return {
    mode: ThresholdsMode.Absolute,
    // the first step has no beginning
    steps: [
      {color: first, value: null},
      {color: next, value: from},
    ],
  };
}

function quantile(part: number, name: string): string {
  return `histogram_quantile(${part}, sum by (le) (rate(${name}_bucket{$of}[$__rate_interval])))`;
}
