import type {Histogram, Labels, MetricsWriter, Sample} from './metrics-writer.ts';

/** Prometheus' text format, version 0.0.4. No sample occurs twice: a consumer may reject the whole text for that. */
export class Exposition implements MetricsWriter {
  readonly #lines: string[] = [];

  gauge(name: string, help: string, samples: Iterable<Sample> | number): void {
    this.#add({name, help, type: 'gauge'}, samples);
  }

  counter(name: string, help: string, samples: Iterable<Sample> | number): void {
    this.#add({name, help, type: 'counter'}, samples);
  }

  histogram(name: string, help: string, bounds: readonly number[], histograms: Iterable<Histogram>): void {
    this.#head({name, help, type: 'histogram'});
    for (const {labels, buckets, sum} of histograms) {
      let below = 0;
      for (const [at, times] of buckets.entries()) {
        below += times;
        this.#line(`${name}_bucket`, {...labels, le: String(bounds[at] ?? '+Inf')}, below);
      }
      this.#line(`${name}_sum`, labels, sum);
      this.#line(`${name}_count`, labels, below);
    }
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #add(family: Family, samples: Iterable<Sample> | number): void {
    this.#head(family);
    const all = typeof samples === 'number' ? [{value: samples}] : samples;
    const known = new Set<string>();
    for (const {labels = {}, value} of all) {
      const shown = showLabels(labels);
      if (known.has(shown)) continue;
      known.add(shown);
      this.#lines.push(`${family.name}${shown} ${value}`);
    }
  }

  #head({name, help, type}: Family): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  #line(name: string, labels: Labels, value: number): void {
    this.#lines.push(`${name}${showLabels(labels)} ${value}`);
  }
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
}

function showLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
