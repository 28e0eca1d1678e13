import {connect} from 'node:net';

/** A request that was not answered with the credential. Times are in milliseconds, from `performance.now()`. */
export interface Failed {
  readonly from: number;
  readonly to: number;
  /** The answer instead. */
  readonly why: string;
}

/** The result of a run. */
export interface LoadCounts {
  readonly answered: number;
  readonly failed: readonly Failed[];
  /** In milliseconds. */
  readonly slowest: number;
  /** In milliseconds. */
  readonly p99: number;
}

/** Clients that never pause. Each works like git's own: one connection per request, half-closed, read to its end. */
export class SteadyLoad {
  readonly #socket: string;
  readonly #requests: number;
  readonly #took: number[] = [];
  readonly #failed: Failed[] = [];
  readonly #waiting: {readonly at: number; readonly reached: () => void}[] = [];
  readonly #over: Promise<unknown>;
  #begun = 0;

  /** `clients` is the number of simultaneous requests. They begin at once. */
  constructor(socket: string, {requests, clients}: {readonly requests: number; readonly clients: number}) {
    this.#socket = socket;
    this.#requests = requests;
    this.#over = Promise.all(Array.from({length: clients}, () => this.#askOn()));
  }

  /** How many requests have ended. */
  get done(): number {
    return this.#took.length;
  }

  /** Resolves when that many requests have ended. */
  reaches(at: number): Promise<void> {
    if (this.done >= at) return Promise.resolve();
    return new Promise((reached) => this.#waiting.push({at, reached}));
  }

  async counts(): Promise<LoadCounts> {
    await this.#over;
    const ascending = this.#took.toSorted((a, b) => a - b);
    return {
      answered: this.#took.length - this.#failed.length,
      failed: this.#failed,
      slowest: Math.round(ascending.at(-1) ?? 0),
      p99: Math.round((ascending[Math.floor(ascending.length * 0.99)] ?? 0) * 10) / 10,
    };
  }

  async #askOn(): Promise<void> {
    while (this.#begun < this.#requests) {
      this.#begun++;
      const from = performance.now();
      const why = await askOnce(this.#socket);
      const to = performance.now();
      this.#took.push(to - from);
      if (why !== undefined) this.#failed.push({from, to, why});
      for (let next = this.#waiting[0]; next !== undefined && next.at <= this.done; next = this.#waiting[0]) {
        this.#waiting.shift();
        next.reached();
      }
    }
  }
}

const REQUEST = 'action=get\ntimeout=900\nprotocol=https\nhost=dev.azure.com\npath=contoso/web/_git/site\n';

/** Returns `undefined` if it was answered with a credential. */
function askOnce(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const client = connect({path, allowHalfOpen: true});
    client.setEncoding('latin1').on('data', (text: string) => (answer += text));
    client.on('error', (error) => resolve(error.message));
    client.on('end', () =>
      resolve(
        answer.includes('\npassword=') ? undefined : `answered ${JSON.stringify(answer.slice(0, 200))}`,
      ),
    );
    client.end(REQUEST);
  });
}
