import {once} from 'node:events';
import {createServer, type IncomingHttpHeaders} from 'node:http';
import {Ajv} from 'ajv';
import type {ExecutionContext} from 'ava';

const attributes = {
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['key', 'value'],
    properties: {
      key: {type: 'string', minLength: 1},
      value: {
        type: 'object',
        additionalProperties: false,
        required: ['stringValue'],
        properties: {stringValue: {type: 'string'}},
      },
    },
  },
};
/** A 64-bit number of protocol buffers in JSON. */
const long = {type: 'string', pattern: '^(?:0|[1-9][0-9]{0,19})$'};
const point = {attributes, timeUnixNano: {...long, minLength: 19}};
const started = {...point, startTimeUnixNano: {...long, minLength: 19}};
const dataPoints = (properties: object, required: readonly string[]) => ({
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['attributes', ...required.filter((name) => name !== 'attributes')],
    properties,
  },
});
const numbers = (properties: object) =>
  dataPoints({...properties, asDouble: {type: 'number'}}, ['asDouble', ...Object.keys(properties)]);
const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});

/** ExportMetricsServiceRequest, without the types of values that we do not send. */
const check = new Ajv({strict: false}).compile(
  object({
    resourceMetrics: {
      type: 'array',
      minItems: 1,
      items: object({
        resource: object({attributes}),
        scopeMetrics: {
          type: 'array',
          minItems: 1,
          items: object({
            scope: object({name: {type: 'string'}, version: {type: 'string'}}),
            metrics: {
              type: 'array',
              minItems: 1,
              items: object(
                {
                  name: {type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_./-]{0,254}$'},
                  description: {type: 'string'},
                  unit: {enum: ['', 's', 'By']},
                  gauge: object({dataPoints: numbers(point)}),
                  sum: object({
                    aggregationTemporality: {const: 2},
                    isMonotonic: {const: true},
                    dataPoints: numbers(started),
                  }),
                  histogram: object({
                    aggregationTemporality: {const: 2},
                    dataPoints: dataPoints(
                      {
                        ...started,
                        count: long,
                        sum: {type: 'number'},
                        bucketCounts: {type: 'array', items: long},
                        explicitBounds: {type: 'array', items: {type: 'number'}},
                      },
                      ['count', 'bucketCounts', 'explicitBounds'],
                    ),
                  }),
                },
                ['name', 'unit'],
              ),
            },
          }),
        },
      }),
    },
  }),
);

type Loose = ReturnType<typeof JSON.parse>;

/** Returns what is wrong with the text of a request. */
function faultIn(text: string): string | undefined {
  return check(JSON.parse(text)) ? undefined : JSON.stringify(check.errors?.slice(0, 3));
}

export interface Collected {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly request: Loose;
}

/** A collector of OpenTelemetry on loopback that refuses what a real one refuses. */
export class OtlpCollector {
  url = '';
  /** How the next requests are answered. */
  answer: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: object;
  } = {
    status: 200,
    body: {},
  };
  readonly faults: string[] = [];
  readonly #collected: Collected[] = [];
  #arrived = Promise.withResolvers<void>();

  static async start(t: ExecutionContext): Promise<OtlpCollector> {
    const collector = new OtlpCollector();
    const server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        const {headers, url = '', method} = request;
        const fault =
          method !== 'POST' || headers['content-type'] !== 'application/json'
            ? 'not a request of OTLP'
            : faultIn(text);
        if (fault !== undefined) {
          collector.faults.push(fault);
          response.writeHead(400).end();
          return;
        }
        const {status, headers: more = {}, body = {}} = collector.answer;
        response.writeHead(status, {'content-type': 'application/json', ...more}).end(JSON.stringify(body));
        collector.#collected.push({headers, path: url, request: JSON.parse(text)});
        collector.#arrived.resolve();
        collector.#arrived = Promise.withResolvers();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close().closeAllConnections());
    const address = server.address();
    collector.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    return collector;
  }

  get count(): number {
    return this.#collected.length;
  }

  /** Resolves to the first request after so many. */
  async after(count: number): Promise<Collected> {
    for (;;) {
      const found = this.#collected[count];
      if (found !== undefined) return found;
      await this.#arrived.promise;
    }
  }
}
