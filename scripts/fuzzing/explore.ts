import {Session} from 'node:inspector/promises';

/** How many inputs run between two looks at the coverage. */
const BATCH = 200;

/** In bytes. */
const LONGEST = 4096;

interface Exploration {
  readonly inputs: number;
  /** How many ranges of our code were reached. */
  readonly reached: number;
  /** How many inputs reached something new. */
  readonly kept: number;
  readonly failure: {readonly input: Buffer; readonly error: unknown} | undefined;
}

/** Tries changed inputs until it is enough. An input that reaches new code is changed further. */
export async function explore(
  {
    seeds,
    run,
  }: {
    readonly seeds: readonly (string | Uint8Array)[];
    readonly run: (bytes: Buffer) => void | Promise<void>;
  },
  {isEnough, random}: {readonly isEnough: (inputs: number) => boolean; readonly random: () => number},
): Promise<Exploration> {
  const corpus: Buffer[] = seeds.map((seed) => Buffer.from(seed));
  const coverage = await Coverage.start();
  let inputs = 0;
  let batch = [...corpus];
  while (!isEnough(inputs)) {
    for (const input of batch) {
      inputs++;
      try {
        await run(Buffer.from(input));
      } catch (error) {
        return {inputs, reached: coverage.reached, kept: corpus.length, failure: {input, error}};
      }
    }
    if (await coverage.hasNews()) corpus.push(...(await coverage.whoBringsNews(batch, run)));
    batch = Array.from({length: BATCH}, () => change(pick(corpus, random), corpus, random));
  }
  await coverage.stop();
  return {inputs, reached: coverage.reached, kept: corpus.length, failure: undefined};
}

/** The ranges of our code that ran, as V8 counts them. */
class Coverage {
  readonly #session = new Session();
  readonly #known = new Set<string>();
  #news = new Set<string>();

  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    coverage.#session.connect();
    await coverage.#session.post('Profiler.enable');
    await coverage.#session.post('Profiler.startPreciseCoverage', {callCount: true, detailed: true});
    return coverage;
  }

  get reached(): number {
    return this.#known.size;
  }

  /** Whether code ran, since the last look, that did not run before. */
  async hasNews(): Promise<boolean> {
    this.#news = new Set([...(await this.#take())].filter((range) => !this.#known.has(range)));
    return this.#news.size > 0;
  }

  /** Runs the inputs again, one by one. Returns those that reach the news. */
  async whoBringsNews(
    batch: readonly Buffer[],
    run: (bytes: Buffer) => void | Promise<void>,
  ): Promise<Buffer[]> {
    const found: Buffer[] = [];
    for (const input of batch) {
      if (this.#news.size === 0) break;
      await run(Buffer.from(input));
      const brought = [...(await this.#take())].filter((range) => this.#news.delete(range));
      for (const range of brought) this.#known.add(range);
      if (brought.length > 0) found.push(input);
    }
    // what depends on the order is known from now on as well
    for (const range of this.#news) this.#known.add(range);
    return found;
  }

  async stop(): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  async #take(): Promise<Set<string>> {
    const {result} = await this.#session.post('Profiler.takePreciseCoverage');
    const own = result.filter(({url}) => url.includes('/src/'));
    const ranges = new Set<string>();
    for (const {url, functions} of own)
      for (const {startOffset, endOffset, count} of functions.flatMap((one) => one.ranges))
        if (count > 0) ranges.add(`${url}:${startOffset}:${endOffset}`);
    return ranges;
  }
}

const TOKENS = [
  '\n',
  '\0',
  '=',
  ':',
  '/',
  '@',
  '..',
  '%2f',
  '\\',
  '"',
  '{',
  '[',
  '0000',
  'ffff',
  '-1',
  '9'.repeat(20),
  '\u{1f600}',
];

/** Changes an input in one to four places. */
function change(input: Buffer, corpus: readonly Buffer[], random: () => number): Buffer {
  let bytes = Buffer.from(input);
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    const at = Math.floor(random() * (bytes.length + 1));
    const length = Math.floor(random() * 8);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    const other = pick(corpus, random);
    const ways = [
      () => Buffer.concat([head, tail.subarray(length)]),
      () => Buffer.concat([head, Buffer.from(pick(TOKENS, random)), tail]),
      () => Buffer.concat([head, Buffer.of(Math.floor(random() * 256)), tail.subarray(1)]),
      () => Buffer.concat([head, tail.subarray(0, length * 8), tail]),
      () => Buffer.concat([head, other.subarray(Math.floor(random() * (other.length + 1)))]),
    ];
    bytes = Buffer.from(pick(ways, random)().subarray(0, LONGEST));
  }
  return bytes;
}

function pick<T>(among: readonly T[], random: () => number): T {
  const picked = among[Math.floor(random() * among.length)];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}
