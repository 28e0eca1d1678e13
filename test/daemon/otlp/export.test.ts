import test from 'ava';
import {startDaemon} from '../../helpers/daemon.ts';
import {OtlpCollector, type Collected} from '../../helpers/otlp-collector.ts';
import {getFor} from '../../helpers/requests.ts';

const configuration =
  'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: canary-token}]}]}\n';

async function exporting(t: Parameters<typeof OtlpCollector.start>[0]) {
  const collector = await OtlpCollector.start(t);
  const daemon = await startDaemon({
    configuration,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=canary-key',
      OTEL_METRIC_EXPORT_INTERVAL: '50',
      OTEL_RESOURCE_ATTRIBUTES: 'team=a',
      // no proxy leads to loopback
      https_proxy: 'http://127.0.0.1:9',
      http_proxy: 'http://127.0.0.1:9',
    },
  });
  t.teardown(() => daemon.close());
  return {collector, daemon};
}

const metricsIn = ({request}: Collected) => request.resourceMetrics[0].scopeMetrics[0].metrics;
const servedIn = (collected: Collected): number => {
  const [requests] = metricsIn(collected).filter(({name}: {name: string}) => name === 'orgkey_requests');
  return requests.sum.dataPoints.reduce((sum: number, {asDouble}: {asDouble: number}) => sum + asDouble, 0);
};

test('a collector gets the metrics of Prometheus, and the last ones at the end', async (t) => {
  const {collector, daemon} = await exporting(t);
  await daemon.ask(getFor('contoso'));
  const first = await collector.after(collector.count);
  t.is(first.path, '/v1/metrics');
  t.is(first.headers['api-key'], 'canary-key');
  const {attributes} = first.request.resourceMetrics[0].resource;
  t.deepEqual(
    attributes.find(({key}: {key: string}) => key === 'team'),
    {key: 'team', value: {stringValue: 'a'}},
  );
  t.is(servedIn(first), 1);
  const {text} = await daemon.call('metrics', undefined);
  const names = [...text.matchAll(/^# TYPE (\S+?)(?:_total)? (\w+)$/gm)].map(
    ([, name, kind]) => `${name} ${kind}`,
  );
  const kinds = {sum: 'counter', gauge: 'gauge', histogram: 'histogram'} as const;
  t.deepEqual(
    metricsIn(first).map(
      (metric: Record<string, unknown>) =>
        `${String(metric['name'])} ${Object.entries(kinds).find(([key]) => key in metric)?.[1]}`,
    ),
    names,
  );
  await daemon.ask(getFor('contoso'));
  collector.answer = {status: 200, body: {partialSuccess: {}}};
  await daemon.stop('SIGTERM');
  t.is(servedIn(await collector.after(collector.count - 1)), 2);
  t.deepEqual(collector.faults, []);
  t.false(JSON.stringify(first.request).includes('canary'));
  t.false(daemon.stderr.includes('canary'));
});

test('a collector that fails is a warning until it works again', async (t) => {
  const {collector, daemon} = await exporting(t);
  const notices = async () => (await daemon.call('status', undefined)).notices.map(({message}) => message);
  await collector.after(0);
  t.deepEqual(await notices(), []);
  for (const [status, body, problem] of [
    [503, {}, 'HTTP 503'],
    [307, {}, 'HTTP 307'],
    [200, {partialSuccess: {rejectedDataPoints: '7'}}, '7 data points were rejected'],
  ] as const) {
    collector.answer = {status, body, headers: {location: 'http://127.0.0.1:9/', 'retry-after': '0'}};
    const seen = collector.count;
    // the answer to the second one was read before the third one was sent
    await collector.after(seen + 2);
    const [message = ''] = await notices();
    t.is(message, `metrics cannot be exported to ${new URL(collector.url).host}: ${problem}`);
  }
  collector.answer = {status: 200};
  await collector.after(collector.count + 2);
  t.deepEqual(await notices(), []);
  await daemon.stop('SIGTERM');
  t.is(daemon.stderr.match(/metrics cannot be exported/g)?.length, 3);
  t.regex(daemon.stderr, /export of metrics: works again/);
});

test('a setting that is wrong is a warning, and the daemon serves', async (t) => {
  const environment = {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.example.com'};
  const daemon = await startDaemon({configuration, environment});
  t.teardown(() => daemon.close());
  t.regex(await daemon.ask(getFor('contoso')), /canary-token/);
  let messages: string[] = [];
  while (messages.length === 0)
    messages = (await daemon.call('status', undefined)).notices.map(({message}) => message);
  t.regex(messages.join('\n'), /^metrics are not exported: .* is not encrypted/);
});
