import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {TestDaemon, type DaemonOptions} from './daemon.ts';
import type {Probed} from './daemon-probe.ts';
import {until} from './patience.ts';

const probe = join(import.meta.dirname, 'daemon-probe.ts');

/** A real daemon whose clocks go as told, and which tells what it holds. */
export class ProbedDaemon extends TestDaemon {
  readonly #place: string;
  #number = 0;
  #offset = 0;

  constructor(options: DaemonOptions) {
    const place = mkdtempSync(join(tmpdir(), 'orgkey-probe-'));
    super({
      ...options,
      environment: {...options.environment, NODE_OPTIONS: `--import=${probe}`, DAEMON_PROBE: place},
    });
    this.#place = place;
  }

  /** Time goes by for this daemon, in milliseconds, though its timers don't notice. */
  async pass(milliseconds: number): Promise<void> {
    this.#offset += milliseconds;
    await this.probe();
  }

  /** After a collection. */
  async probe(): Promise<Probed> {
    writeFileSync(join(this.#place, 'offset'), String(this.#offset));
    this.process.kill('SIGUSR2');
    const number = ++this.#number;
    const look = () => {
      if (this.process.exitCode !== null) throw new Error(`the daemon has ended: ${this.stderr}`);
      return this.#read();
    };
    const isNew = (probed: Probed) => probed.number === number;
    return until(`what the daemon tells of itself, time ${number}`, look, isNew);
  }

  /** The same once nothing is under way any more: the audit waits for 200 ms, and freed buffers are given back later. */
  async probeAtRest(): Promise<Probed> {
    for (let probes = 0; probes < 2; probes++) {
      await this.probe();
      await pause(500);
    }
    return this.probe();
  }

  #read(): Probed | undefined {
    try {
      const probed: Probed = JSON.parse(readFileSync(join(this.#place, 'probed'), 'utf8'));
      return probed;
    } catch {
      return undefined;
    }
  }

  override async close(): Promise<void> {
    await super.close();
    rmSync(this.#place, {recursive: true, force: true});
  }
}

/** Of which handles, requests and descriptors there are more than before. */
export function moreThan(before: Probed, after: Probed): Record<string, number> {
  const then = countsOf(before);
  const more = Object.entries(countsOf(after)).map(
    ([kind, count]) => [kind, count - (then[kind] ?? 0)] as const,
  );
  return Object.fromEntries(more.filter(([, count]) => count > 0));
}

function countsOf({resources, descriptors}: Probed): Readonly<Record<string, number>> {
  return {...resources, descriptors};
}

export async function startProbed(options: DaemonOptions): Promise<ProbedDaemon> {
  const daemon = new ProbedDaemon(options);
  await daemon.ready();
  return daemon;
}
