import {execFile, execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {Skipped} from './row.ts';

const source = join(import.meta.dirname, 'client.c');
const program = join(import.meta.dirname, '../../.cache/bench/client');
const run = promisify(execFile);

/** Times are in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly refused: number;
  readonly failed: number;
  readonly milliseconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Question {
  readonly socket: string;
  /** A file with the whole request. */
  readonly request: string;
  /** An answer counts if it holds this. */
  readonly expected: string;
}

/** A client in C: one in Node would be slower than what it measures. @throws {Skipped} without a compiler. */
export class LoadClient {
  constructor() {
    if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return;
    mkdirSync(join(program, '..'), {recursive: true});
    try {
      execFileSync('cc', ['-O2', '-pthread', '-o', program, source], {stdio: 'pipe'});
    } catch (error) {
      throw new Skipped(`the load client can't be compiled: ${String(error)}`);
    }
  }

  /** Sends that many requests from that many blocking clients. */
  load(question: Question, clients: number, requests: number): Promise<LoadResult> {
    return this.#ask('load', question, [clients, requests]);
  }

  /** Opens that many connections before the first request. */
  burst(question: Question, connections: number): Promise<LoadResult> {
    return this.#ask('burst', question, [connections]);
  }

  /** Sends one request. */
  once(question: Question): Promise<LoadResult> {
    return this.#ask('retry', question, []);
  }

  /** Runs `git credential fill` with each of git's configurations in turns. Returns milliseconds by configuration. */
  async fillInTurns(
    {rounds, request, expected}: {rounds: number; request: string; expected: string},
    configurations: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<number[][]> {
    const args = ['fill', String(rounds), request, expected, ...configurations];
    const {stdout} = await run(program, args, {env: environment, maxBuffer: 64 * 1024 * 1024});
    return JSON.parse(stdout) as number[][];
  }

  async #ask(mode: string, {socket, request, expected}: Question, more: number[]): Promise<LoadResult> {
    const {stdout} = await run(program, [mode, socket, request, expected, ...more.map(String)]);
    return JSON.parse(stdout) as LoadResult;
  }
}
