import {spawn, type ChildProcess} from 'node:child_process';
import type {Clock} from '../../token/token.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {acquirerProgram, ProgramOnDisk} from './acquirer-program.ts';
import {assertionFactsFrom, type AssertionFacts} from '../assertion.ts';
import {childEnvironment} from '../child-environment.ts';
import {messageOf, usesSdk, type Job} from '../job.ts';
import {encodeMessage, type Message} from '../message.ts';
import {brokenProxyIn} from '../../network/proxy.ts';
import {failureFrom, type AcquirerFailure} from '../failure.ts';
import {
  brokenProxy,
  cancelled,
  died,
  lacksProgram,
  noPlace,
  notStarted,
  tooLate,
  tooMuch,
  wasKilled,
} from './child-failures.ts';
import {Collected} from './collected.ts';
import type {Environment} from '../../text/environment.ts';

interface AcquirerPoolParts {
  /** The daemon's environment. An acquirer gets only what it needs of it. */
  readonly environment: Environment;
  readonly clock: Pick<Clock, 'uptime'>;
  /** Our directory for Node's compiled code. Default: none. */
  readonly compileCache?: string | undefined;
  readonly limits?: Partial<Limits>;
  /** Called for each acquirer that ended, for status and log. */
  readonly observe?: (observation: Observation) => void;
  /** Aborts after so many milliseconds. Default: Node's own. */
  readonly after?: (milliseconds: number) => AbortSignal;
  /** The acquirer's file. Default: the one next to this. */
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

export type Outcome =
  | {readonly kind: 'done'; readonly message: Message}
  | {
      readonly kind: 'failed';
      readonly failure: AcquirerFailure;
      /** How far our clock is ahead of the server's, in milliseconds, if that is known. */
      readonly skew?: number | undefined;
      /** The client assertion that the acquirer sent, if it could be read. */
      readonly assertion?: AssertionFacts | undefined;
    };

export interface Observation {
  readonly endpoint: string;
  readonly outcome: 'done' | 'failed';
  /** Milliseconds that the acquirer lived. */
  readonly duration: number;
  /** How far our clock is ahead of the server's, in milliseconds; `undefined`: the server sent no date. */
  readonly skew: number | undefined;
  /** How many HTTP requests it sent. */
  readonly requests: number;
}

/** A job, and the server that it will ask. */
export interface Errand {
  readonly job: Job;
  /** The server that gets busy: `login.microsoftonline.com`. */
  readonly endpoint: string;
  /** More variables for the acquirer; no secrets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Called for each event of an acquirer that reports its progress. */
  readonly onEvent?: (event: Readonly<Record<string, unknown>>) => void;
  /** Milliseconds of the total limit that have passed already. Default: 0. */
  readonly spent?: number;
  /** Replaces the limits, in milliseconds: a user takes longer than a server. */
  readonly life?: number;
  readonly signal?: AbortSignal;
}

const defaults: Limits = {
  processes: 8,
  processesPerEndpoint: 4,
  life: TIME_BUDGET.acquirer,
  total: TIME_BUDGET.acquisition,
  result: 256 * 1024,
};

/** Starts acquirers: a limited number at once, each for a limited time. */
export class AcquirerPool {
  readonly program: ProgramOnDisk;
  readonly #parts: AcquirerPoolParts;
  readonly #limits: Limits;
  readonly #waiting: Waiting[] = [];
  readonly #busy = new Map<string, number>();
  readonly #children = new Set<ChildProcess>();
  #running = 0;
  #closed = false;

  constructor(parts: AcquirerPoolParts) {
    this.#parts = parts;
    this.#limits = {...defaults, ...parts.limits};
    this.program = new ProgramOnDisk(parts.program ?? acquirerProgram());
  }

  /** Runs an errand within the total limit. The job's secrets are overwritten in any case. */
  async run(errand: Errand): Promise<Outcome> {
    try {
      const broken = brokenProxyIn(this.#parts.environment);
      if (broken !== undefined) return failed(brokenProxy(broken));
      const started = this.#parts.clock.uptime() - (errand.spent ?? 0);
      if (!(await this.#place(errand))) return failed(noPlace);
      try {
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

  /** Kills all acquirers and starts no more. */
  close(): void {
    this.#closed = true;
    for (const child of this.#children) child.kill('SIGKILL');
    for (const waiting of this.#waiting.splice(0)) waiting.enter(false);
  }

  /** Resolves to `true` when there is a place, to `false` if none gets free in time. */
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

  /** Lets the newest in first: the client of the oldest may have given up. */
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

  /** Starts another acquirer if one was ended from outside and there is time: git is still waiting. */
  async #workThroughAccidents(errand: Errand, started: number): Promise<Outcome> {
    const left = () => this.#limits.total - (this.#parts.clock.uptime() - started);
    for (let accidents = 0; ; accidents++) {
      const outcome = await this.#work(
        errand,
        Math.floor(errand.life ?? Math.min(this.#limits.life, left())),
      );
      if (
        outcome.kind === 'done' ||
        errand.life !== undefined ||
        this.#closed ||
        left() < TIME_BUDGET.leastAcquirer
      )
        return outcome;
      // the kernel's kill if memory is short, for example
      if (wasKilled(outcome.failure) && accidents === 0) continue;
      // an update removes the program and writes the new one in parts
      if (!lacksProgram(outcome.failure) || !this.program.hasChanged) return outcome;
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
    const assertion = assertionFactsFrom(head['assertion']);
    return {kind: 'failed', failure: outcome.failure, skew, assertion};
  }

  #spawn({job, environment, signal}: Errand, life: number) {
    return spawn(
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
  }

  /** One process from start to end. */
  #converse(errand: Errand, life: number): Promise<Ended> {
    const {job, onEvent, signal} = errand;
    const {clock} = this.#parts;
    const started = clock.uptime();
    const child = this.#spawn(errand, life);
    this.#children.add(child);
    const request = encodeMessage(messageOf({...job, time: life - TIME_BUDGET.acquirerReport}));
    // the end of a child that died early is reported below
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
}

interface Waiting {
  readonly endpoint: string;
  readonly enter: (may: boolean) => void;
}

type Ended =
  | {readonly kind: 'done'; readonly message: Message}
  | {readonly kind: 'failed'; readonly failure: AcquirerFailure; readonly head: Message['head']};

/** Hardening that the SDK tolerates. */
const nodeOptions = ['--disable-sigusr1', '--disable-proto=delete', '--report-exclude-env'];

function failed(failure: AcquirerFailure): Outcome {
  return {kind: 'failed', failure};
}

function failedWith(failure: AcquirerFailure): Ended {
  return {kind: 'failed', failure, head: {}};
}
