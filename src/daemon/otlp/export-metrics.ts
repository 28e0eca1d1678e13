import {setTimeout as delay} from 'node:timers/promises';
import {describeNetworkError, sendRequest, type WebReply} from '../../network/send-request.ts';
import type {Environment} from '../../text/environment.ts';
import {parseRecord, isRecord} from '../../text/record.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {VERSION} from '../../version.ts';
import type {MetricsWriter} from '../status/metrics-writer.ts';
import {OtlpMetrics} from './otlp-metrics.ts';
import type {OtlpSettings} from './otlp-settings.ts';

interface ExportParts {
  readonly settings: OtlpSettings;
  /** Its proxies are used. */
  readonly environment: Environment;
  /** Milliseconds since epoch. */
  readonly startedAt: number;
  readonly measure: (writer: MetricsWriter) => void;
  /** Called with the problem when exports begin to fail, and without one when they work again. */
  readonly changed: (problem: string | undefined) => void;
}

/** In bytes: only the beginning of an answer is of interest. */
const LARGEST = 16 * 1024;

/**
 * Sends the metrics to a collector of OpenTelemetry, again and again. They count from the start of the daemon, so the next
 * request makes up for one that failed, and none is repeated. @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export class MetricsExport {
  readonly #parts: ExportParts;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #problem: string | undefined;
  #isOver = false;

  constructor(parts: ExportParts) {
    this.#parts = parts;
    this.#wait(parts.settings.every);
  }

  /** Sends the last figures, for a moment. */
  async stop(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const {lastExport} = TIME_BUDGET;
    await Promise.race([this.#sending.then(() => this.#send(lastExport)), delay(lastExport)]);
  }

  #wait(milliseconds: number): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#sending = this.#send(this.#parts.settings.timeout).then((pause) =>
        this.#wait(Math.max(this.#parts.settings.every, pause)),
      );
    }, milliseconds);
    this.#timer.unref();
  }

  /** Returns for how long the collector wants to be left alone, in milliseconds. */
  async #send(limit: number): Promise<number> {
    const {settings, environment, startedAt, measure} = this.#parts;
    const metrics = new OtlpMetrics({startedAt, now: Date.now()});
    measure(metrics);
    const question = {
      method: 'POST',
      url: settings.url,
      headers: {...settings.headers, 'content-type': 'application/json', 'user-agent': `orgkey/${VERSION}`},
      body: metrics.request(settings.resource, VERSION),
    } as const;
    try {
      const signal = AbortSignal.timeout(limit);
      const reply = await sendRequest(question, {variables: environment, signal, limit: LARGEST});
      this.#note(problemIn(reply));
      return pauseIn(reply);
    } catch (error) {
      this.#note(describeNetworkError(error).detail);
      return 0;
    }
  }

  #note(problem: string | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#parts.changed(problem);
  }
}

function problemIn({status, text}: WebReply): string | undefined {
  if (status !== 200) return `HTTP ${status}`;
  const {partialSuccess} = parseRecord(text) ?? {};
  const rejected = isRecord(partialSuccess) ? Number(partialSuccess['rejectedDataPoints'] ?? 0) : 0;
  return rejected > 0 ? `${rejected} data points were rejected` : undefined;
}

/** A busy collector may ask for a pause, within reason. */
function pauseIn({status, headers}: WebReply): number {
  const isBusy = [429, 502, 503, 504].includes(status);
  const seconds = Number(headers['retry-after'] ?? 0);
  return isBusy && seconds > 0 ? Math.min(seconds * 1000, TIME_BUDGET.longestExportPause) : 0;
}
