import type {Histogram, Labels, MetricsWriter, Sample} from '../status/metrics-writer.ts';

interface Times {
  /** When counting began, in milliseconds since epoch. */
  readonly startedAt: number;
  readonly now: number;
}

interface Attribute {
  readonly key: string;
  readonly value: {readonly stringValue: string};
}

/**
 * The metrics as one request of OTLP, in the JSON form of its protocol buffers: 64-bit numbers are strings.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export class OtlpMetrics implements MetricsWriter {
  readonly #metrics: object[] = [];
  readonly #times: {readonly startTimeUnixNano: string; readonly timeUnixNano: string};

  constructor({startedAt, now}: Times) {
    this.#times = {startTimeUnixNano: nanoseconds(startedAt), timeUnixNano: nanoseconds(now)};
  }

  gauge(name: string, help: string, samples: Iterable<Sample> | number): void {
    const {timeUnixNano} = this.#times;
    this.#add(name, help, {gauge: {dataPoints: pointsOf(samples, {timeUnixNano})}});
  }

  counter(name: string, help: string, samples: Iterable<Sample> | number): void {
    const dataPoints = pointsOf(samples, this.#times);
    this.#add(name, help, {sum: {aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints}});
  }

  histogram(name: string, help: string, bounds: readonly number[], histograms: Iterable<Histogram>): void {
    const dataPoints = Array.from(histograms, ({labels, buckets, sum}) => ({
      ...this.#times,
      attributes: attributesOf(labels),
      count: String(buckets.reduce((total, times) => total + times, 0)),
      sum,
      bucketCounts: buckets.map(String),
      explicitBounds: bounds,
    }));
    this.#add(name, help, {histogram: {aggregationTemporality: CUMULATIVE, dataPoints}});
  }

  /** Returns the request. `resource`: what is measured. */
  request(resource: Labels, version: string): string {
    const scope = {name: 'orgkey', version};
    return JSON.stringify({
      resourceMetrics: [
        {resource: {attributes: attributesOf(resource)}, scopeMetrics: [{scope, metrics: this.#metrics}]},
      ],
    });
  }

  #add(name: string, description: string, data: object): void {
    // exporters for Prometheus append what belongs to a counter and to a unit, unless it is there
    this.#metrics.push({name: name.replace(/_total$/, ''), description, unit: unitOf(name), ...data});
  }
}

/** AGGREGATION_TEMPORALITY_CUMULATIVE */
const CUMULATIVE = 2;

function pointsOf(samples: Iterable<Sample> | number, times: object): object[] {
  const all = typeof samples === 'number' ? [{value: samples}] : samples;
  const known = new Map<string, object>();
  for (const {labels = {}, value} of all) {
    const attributes = attributesOf(labels);
    const key = JSON.stringify(attributes);
    // no series twice, as in Prometheus' form
    if (!known.has(key)) known.set(key, {...times, attributes, asDouble: value});
  }
  return [...known.values()];
}

function attributesOf(labels: Labels): Attribute[] {
  return Object.entries(labels).map(([key, value]) => ({key, value: {stringValue: value}}));
}

/** Returns the unit in UCUM's words. */
function unitOf(name: string): string {
  if (/_seconds(?:_total)?$/.test(name)) return 's';
  return /_bytes(?:_total)?$/.test(name) ? 'By' : '';
}

function nanoseconds(milliseconds: number): string {
  return `${Math.round(milliseconds)}000000`;
}
