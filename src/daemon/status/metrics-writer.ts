export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels | undefined;
  readonly value: number;
}

/** How long something took, by bucket. */
export interface Histogram {
  readonly labels: Labels;
  /** The counts by bucket, one more than the bounds. */
  readonly buckets: readonly number[];
  /** In seconds. */
  readonly sum: number;
}

/** A form of the metrics. Names are those of Prometheus. */
export interface MetricsWriter {
  gauge(name: string, help: string, samples: Iterable<Sample> | number): void;
  /** Counts since the start. */
  counter(name: string, help: string, samples: Iterable<Sample> | number): void;
  histogram(name: string, help: string, bounds: readonly number[], histograms: Iterable<Histogram>): void;
}
