import {spawn, type ChildProcess} from 'node:child_process';
import type {Clock} from '../../token/token.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {acquirerProgram, ProgramOnDisk} from './acquirer-program.ts';
import {childEnvironment, type Variables} from '../child-environment.ts';
import {messageOf, usesSdk, type Job} from '../job.ts';
import {parseRecord} from '../../text/record.ts';
import {decodeMessage, encodeMessage, type Message} from '../message.ts';
import {brokenProxyIn} from '../../network/proxy.ts';
import {failureFrom, type Service, type AcquirerFailure} from '../failure.ts';

export interface AcquirerPoolParts {
  /** The daemon's environment; of it, an acquirer gets what it needs. */
  readonly environment: Variables;
  readonly clock: Pick<Clock, 'uptime'>;
  /** A directory of ours where Node may keep compiled code. Default: none. */
  readonly compileCache?: string | undefined;
  readonly limits?: Partial<Limits>;
  /** Told of each acquirer that ended, for status and log. */
  readonly observe?: (observation: Observation) => void;
  /** Aborts after so many milliseconds. Default: Node's own. */
  readonly after?: (milliseconds: number) => AbortSignal;
  /** The acquirer's file. Default: the one beside this. */
  readonly program?: string;
}

interface Limits {
  /** Acquirers at once. Default: 8. */
  readonly processes: number;
  /** Acquirers at once for one endpoint, so that one that hangs leaves room for the others. Default: 4. */
  readonly processesPerEndpoint: number;
  /** Milliseconds until an acquirer is killed. Default: 8 seconds. */
  readonly life: number;
  /** Milliseconds from the call to the result, waiting for a place included. Default: 10 seconds. */
  readonly total: number;
  /** Bytes of a result. Default: 256 KiB. */
  readonly result: number;
}

/** What an acquirer brought. */
export type Outcome =
  | {readonly kind: 'done'; readonly message: Message}
  | {
      readonly kind: 'failed';
      readonly failure: AcquirerFailure;
      /** How far our clock is ahead of the server's, in milliseconds, if that is known. */
      readonly skew?: number | undefined;
    };

/** How one acquirer did. */
export interface Observation {
  readonly endpoint: string;
  readonly outcome: 'done' | 'failed';
  /** Milliseconds that the acquirer lived. */
  readonly duration: number;
  /** How far our clock is ahead of the server's, in milliseconds; `undefined`: the server told no date. */
  readonly skew: number | undefined;
  /** How many HTTP requests it sent. */
  readonly requests: number;
}

/** A job, and whom it will ask. */
export interface Errand {
  readonly job: Job;
  /** Who gets busy: `login.microsoftonline.com`. */
  readonly endpoint: string;
  /** Who may want to be left alone, by what is asked there; each must be willing. */
  readonly gates: Gates;
  /** More variables for the acquirer; no secrets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** For acquirers that tell how far they got. */
  readonly onEvent?: (event: Readonly<Record<string, unknown>>) => void;
  /** Milliseconds of the total limit that are gone already. Default: 0. */
  readonly spent?: number;
  /** Overrides the limits, in milliseconds: people take longer than servers. */
  readonly life?: number;
  /** Ends the acquirer. */
  readonly signal?: AbortSignal;
}

/** Names: who wants to be left alone is so under the same name for all who ask there. */
type Gates = {readonly [service in Service]?: string};

export const METADATA_GATE = 'managed-identity';

const defaults: Limits = {
  processes: 8,
  processesPerEndpoint: 4,
  life: TIME_BUDGET.acquirer,
  total: TIME_BUDGET.acquisition,
  result: 256 * 1024,
};

/** A `Retry-After` beyond this is cut, in milliseconds: an hour. */
const LONGEST_GATE = 60 * 60_000;

/** Starts acquirers: not too many at once, none for longer than its time, none for an endpoint that wants to rest. */
export class AcquirerPool {
  readonly program: ProgramOnDisk;
  readonly #parts: AcquirerPoolParts;
  readonly #limits: Limits;
  readonly #waiting: Waiting[] = [];
  readonly #busy = new Map<string, number>();
  readonly #gates = new Map<string, Gate>();
  readonly #children = new Set<ChildProcess>();
  #running = 0;
  #closed = false;

  constructor(parts: AcquirerPoolParts) {
    this.#parts = parts;
    this.#limits = {...defaults, ...parts.limits};
    this.program = new ProgramOnDisk(parts.program ?? acquirerProgram());
  }

  /** Settles within the total limit. The job's secrets are overwritten, whatever happens. */
  async run(errand: Errand): Promise<Outcome> {
    try {
      const brokenProxy = brokenProxyIn(this.#parts.environment);
      if (brokenProxy !== undefined) return failed(noAddress(brokenProxy));
      const started = this.#parts.clock.uptime() - (errand.spent ?? 0);
      if (!(await this.#place(errand))) return failed(noPlace);
      try {
        const closed = this.#closedGate(errand);
        if (closed !== undefined) return failed(closed);
        if (errand.signal?.aborted) return failed(cancelled);
        const left = this.#limits.total - (this.#parts.clock.uptime() - started);
        if (errand.life === undefined && left < TIME_BUDGET.leastAcquirer) return failed(noPlace);
        return await this.#workThroughAccidents(errand, started);
      } finally {
        this.#leave(errand.endpoint);
      }
    } finally {
      for (const secret of Object.values(errand.job.secrets)) secret.fill(0);
    }
  }

  /** Ends all acquirers at once, and starts none any more. */
  close(): void {
    this.#closed = true;
    for (const child of this.#children) child.kill('SIGKILL');
    for (const waiting of this.#waiting.splice(0)) waiting.enter(false);
  }

  /** Resolves to `true` when there is a place, to `false` when none came free in time. */
  #place(errand: Errand): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (this.#hasRoom(errand.endpoint)) {
      this.#enter(errand.endpoint);
      return Promise.resolve(true);
    }
    const {after = (milliseconds) => AbortSignal.timeout(milliseconds)} = this.#parts;
    return new Promise((resolve) => {
      const waiting = {endpoint: errand.endpoint, enter: resolve};
      const giveUp = after(
        Math.max(0, Math.floor(this.#limits.total - TIME_BUDGET.leastAcquirer - (errand.spent ?? 0))),
      );
      giveUp.addEventListener('abort', () => {
        const at = this.#waiting.indexOf(waiting);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve(false);
      });
      this.#waiting.push(waiting);
    });
  }

  #hasRoom(endpoint: string): boolean {
    const {processes, processesPerEndpoint} = this.#limits;
    return this.#running < processes && (this.#busy.get(endpoint) ?? 0) < processesPerEndpoint;
  }

  #enter(endpoint: string): void {
    this.#running += 1;
    this.#busy.set(endpoint, (this.#busy.get(endpoint) ?? 0) + 1);
  }

  /** The newest first: whoever asked long ago may have been given up by now. */
  #leave(endpoint: string): void {
    this.#running -= 1;
    const busy = (this.#busy.get(endpoint) ?? 1) - 1;
    if (busy === 0) this.#busy.delete(endpoint);
    else this.#busy.set(endpoint, busy);
    const at = this.#waiting.findLastIndex((waiting) => this.#hasRoom(waiting.endpoint));
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (next === undefined) return;
    this.#enter(next.endpoint);
    next.enter(true);
  }

  /** What ends an acquirer from outside is no reason to fail a git that waits, as long as there is time for another. */
  async #workThroughAccidents(errand: Errand, started: number): Promise<Outcome> {
    const left = () => this.#limits.total - (this.#parts.clock.uptime() - started);
    for (let accidents = 0; ; accidents++) {
      const outcome = await this.#work(
        errand,
        Math.floor(errand.life ?? Math.min(this.#limits.life, left())),
      );
      if (errand.life !== undefined || this.#closed || left() < TIME_BUDGET.leastAcquirer) return outcome;
      // somebody else's kill, for want of memory for one
      if (wasKilled(outcome) && accidents === 0) continue;
      // an update takes the program away, and brings the new one in parts
      if (!lacksProgram(outcome) || !this.program.hasChanged) return outcome;
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    const {after = (milliseconds) => AbortSignal.timeout(milliseconds)} = this.#parts;
    return new Promise((resolve) =>
      after(TIME_BUDGET.updatePoll).addEventListener('abort', () => resolve(), {once: true}),
    );
  }

  async #work(errand: Errand, life: number): Promise<Outcome> {
    const {clock} = this.#parts;
    const started = clock.uptime();
    const outcome = await this.#converse(errand, life);
    const head = outcome.kind === 'done' ? outcome.message.head : outcome.head;
    const skew = typeof head['skew'] === 'number' ? head['skew'] : undefined;
    this.#parts.observe?.({
      endpoint: errand.endpoint,
      outcome: outcome.kind,
      duration: clock.uptime() - started,
      skew,
      requests: typeof head['requests'] === 'number' ? head['requests'] : 0,
    });
    if (outcome.kind === 'done') return outcome;
    this.#closeGate(errand, outcome.failure);
    return {kind: 'failed', failure: outcome.failure, skew};
  }

  /** One process from start to end. */
  #converse({job, environment, onEvent, signal}: Errand, life: number): Promise<Ended> {
    const {clock} = this.#parts;
    const started = clock.uptime();
    const child = spawn(
      process.execPath,
      [...nodeOptions, this.program.path, ...(usesSdk(job.task) ? ['sdk'] : [])],
      {
        env: {...childEnvironment(this.#parts.environment, this.#parts.compileCache), ...environment},
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: life,
        killSignal: 'SIGKILL',
        ...(signal === undefined ? {} : {signal}),
      },
    );
    this.#children.add(child);
    const request = encodeMessage(messageOf({...job, time: life - TIME_BUDGET.acquirerReport}));
    // an acquirer that died early is told by its end
    child.stdin.on('error', () => {});
    child.stdin.end(request, () => request.fill(0));
    const output = new Collected(this.#limits.result, onEvent, () => child.kill('SIGKILL'));
    child.stdout.on('data', (chunk: Buffer) => output.add(chunk));
    const complaint = new Collected(4096, undefined, () => {});
    child.stderr.on('data', (chunk: Buffer) => complaint.add(chunk));

    return new Promise((resolve) => {
      const end = (ended: Ended) => {
        this.#children.delete(child);
        request.fill(0);
        output.erase();
        resolve(ended);
      };
      child.on('error', (error) => {
        if (child.pid === undefined) end(failedWith(notStarted(error)));
      });
      child.on('close', (_code, killedBy) => {
        const message = output.message();
        if (message?.head['kind'] === 'failed') {
          return end({kind: 'failed', failure: failureFrom(message.head['failure']), head: message.head});
        }
        if (message !== undefined && killedBy === null) return end({kind: 'done', message});
        if (signal?.aborted) return end(failedWith(cancelled));
        if (output.isTooLong) return end(failedWith(tooMuch));
        if (clock.uptime() - started >= life) return end(failedWith(tooLate(life)));
        end(failedWith(died(killedBy, complaint.text(Object.values(job.secrets)))));
      });
    });
  }

  #closeGate({gates}: Errand, failure: AcquirerFailure): void {
    if (failure.kind !== 'rejected' || failure.retryAfter === undefined) return;
    if (failure.status !== 429 && failure.status !== 503) return;
    const gate = gates[failure.service];
    if (gate === undefined) return;
    const until = this.#parts.clock.uptime() + Math.min(failure.retryAfter, LONGEST_GATE);
    this.#gates.set(gate, {until, failure});
  }

  /** The rejection of an endpoint that still wants to be left alone, with what is left of the time. */
  #closedGate({gates}: Errand): AcquirerFailure | undefined {
    const now = this.#parts.clock.uptime();
    for (const name of Object.values(gates)) {
      const gate = this.#gates.get(name);
      if (gate === undefined) continue;
      if (gate.until > now) return {...gate.failure, retryAfter: gate.until - now};
      this.#gates.delete(name);
    }
    return undefined;
  }
}

interface Waiting {
  readonly endpoint: string;
  readonly enter: (may: boolean) => void;
}

interface Gate {
  /** On the clock that only goes on, in milliseconds. */
  readonly until: number;
  readonly failure: Extract<AcquirerFailure, {kind: 'rejected'}>;
}

type Ended =
  | {readonly kind: 'done'; readonly message: Message}
  | {readonly kind: 'failed'; readonly failure: AcquirerFailure; readonly head: Message['head']};

/** Hardening that the SDK lives with. */
const nodeOptions = ['--disable-sigusr1', '--disable-proto=delete', '--report-exclude-env'];

/** Bytes up to a limit; lines that are events are handed on as they come. */
class Collected {
  readonly #limit: number;
  readonly #onEvent: ((event: Readonly<Record<string, unknown>>) => void) | undefined;
  readonly #onTooLong: () => void;
  #bytes = Buffer.alloc(0);
  #tooLong = false;

  constructor(
    limit: number,
    onEvent: ((event: Readonly<Record<string, unknown>>) => void) | undefined,
    onTooLong: () => void,
  ) {
    this.#limit = limit;
    this.#onEvent = onEvent;
    this.#onTooLong = onTooLong;
  }

  get isTooLong(): boolean {
    return this.#tooLong;
  }

  add(chunk: Buffer): void {
    if (!this.#tooLong && this.#bytes.length + chunk.length > this.#limit) {
      this.#tooLong = true;
      this.#onTooLong();
    }
    if (!this.#tooLong) {
      const grown = Buffer.alloc(this.#bytes.length + chunk.length);
      grown.set(this.#bytes);
      grown.set(chunk, this.#bytes.length);
      this.#bytes.fill(0);
      this.#bytes = grown;
    }
    chunk.fill(0);
    if (this.#onEvent !== undefined) this.#tellEvents(this.#onEvent);
  }

  message(): Message | undefined {
    return this.#tooLong ? undefined : decodeMessage(this.#bytes);
  }

  /** Empty where it holds one of the secrets. */
  text(secrets: readonly Uint8Array[]): string {
    const leaks = secrets.some((secret) => secret.length > 0 && this.#bytes.includes(Buffer.from(secret)));
    return leaks ? '' : this.#bytes.toString();
  }

  erase(): void {
    this.#bytes.fill(0);
  }

  #tellEvents(tell: (event: Readonly<Record<string, unknown>>) => void): void {
    for (;;) {
      const end = this.#bytes.indexOf(0x0a);
      const event = end < 0 ? undefined : parseRecord(this.#bytes.toString('utf8', 0, end));
      if (event?.['event'] === undefined) return;
      this.#bytes = this.#bytes.subarray(end + 1);
      tell(event);
    }
  }
}

function failed(failure: AcquirerFailure): Outcome {
  return {kind: 'failed', failure};
}

function failedWith(failure: AcquirerFailure): Ended {
  return {kind: 'failed', failure, head: {}};
}

const noPlace: AcquirerFailure = {
  kind: 'local',
  code: 'ERR_BUSY',
  detail: 'too many tokens are being acquired at once',
  hint: 'Ask again in a few seconds.',
};

const cancelled: AcquirerFailure = {
  kind: 'local',
  code: 'ERR_CANCELLED',
  detail: 'it was cancelled',
  hint: 'Start it again when it suits.',
};

function noAddress(variable: string): AcquirerFailure {
  return {
    kind: 'local',
    code: 'ERR_PROXY_ADDRESS',
    detail: `the variable ${variable} holds no address of a proxy`,
    hint: 'Give it as http://proxy:port in the environment of the service.',
  };
}

const tooMuch: AcquirerFailure = {
  kind: 'local',
  code: 'ERR_ACQUIRER_OUTPUT',
  detail: 'the acquirer sent more than a token can be',
  hint: 'Look at what answers in place of the issuer: orgkey doctor.',
};

function tooLate(life: number): AcquirerFailure {
  return {
    kind: 'local',
    code: 'ERR_TIMEOUT',
    detail: `no answer within ${Math.round(life / 1000)} s`,
    hint: 'Check the network of this machine, and whether it needs a proxy.',
  };
}

function notStarted(error: Error): AcquirerFailure {
  return {
    kind: 'local',
    code: 'ERR_ACQUIRER_NOT_STARTED',
    detail: `the acquirer could not be started (${'code' in error ? String(error.code) : error.message})`,
    hint: 'Check the limits on processes and memory for the user of the daemon.',
  };
}

const KILLED = 'ERR_ACQUIRER_KILLED';

function wasKilled(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.failure.kind === 'local' && outcome.failure.code === KILLED;
}

/** Ended before its work, or by a part of it that is not there. */
function lacksProgram(outcome: Outcome): boolean {
  if (outcome.kind === 'done' || outcome.failure.kind !== 'unexpected') return false;
  const {detail} = outcome.failure;
  return detail.startsWith(WITHOUT_RESULT) || /Cannot find (?:module|package)|SyntaxError/.test(detail);
}

const WITHOUT_RESULT = 'the acquirer ended without a result';

function died(signal: string | null, complaint: string): AcquirerFailure {
  if (signal !== null)
    return {
      kind: 'local',
      code: KILLED,
      detail: `the acquirer was ended by ${signal}`,
      hint: 'The next request starts a new one; if it happens again, look for a lack of memory.',
    };
  const reason = /^(?:\w*Error.*|node: .*)$/m.exec(complaint)?.[0];
  return {
    kind: 'unexpected',
    detail: `${WITHOUT_RESULT}${reason === undefined ? '' : `: ${reason}`}`,
  };
}
