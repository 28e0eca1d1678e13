import type {Environment} from '../../text/environment.ts';
import type {Assembly} from '../assembly/assemble.ts';
import {MetricsExport} from './export-metrics.ts';
import {readOtlpSettings} from './otlp-settings.ts';

const NAME = 'export of metrics';

/** Sends metrics to the collector that OpenTelemetry's variables name, until the daemon ends. */
export async function serveOtlp({side, loadControl}: Assembly, environment: Environment): Promise<void> {
  const settings = readOtlpSettings(environment);
  if (settings.kind === 'wrong') side.note(NAME, `metrics are not exported: ${settings.message}`);
  if (settings.kind !== 'on') return;
  const {measure} = await loadControl();
  const {host} = new URL(settings.url);
  const changed = (problem: string | undefined) =>
    side.note(NAME, problem && `metrics cannot be exported to ${host}: ${problem}`);
  const startedAt = Math.round(performance.timeOrigin);
  await side.serve(
    NAME,
    host,
    async () => new MetricsExport({settings, environment, startedAt, measure, changed}),
  );
}
