/**
 * Preloaded into a daemon under test: on SIGUSR2 it sets the clock as the test wants, collects garbage, and reports
 * what the daemon holds. `$DAEMON_PROBE` is the directory where both sides write.
 */
import {readdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import os from 'node:os';
import {join} from 'node:path';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/** What a daemon reports about itself. */
export interface Probed {
  /** Counts the answers. */
  readonly number: number;
  /** After a collection, in bytes. */
  readonly heapUsed: number;
  /** Outside the heap: buffers. In bytes. */
  readonly external: number;
  /** Node's handles and requests under way, each kind with its number. */
  readonly resources: Readonly<Record<string, number>>;
  readonly descriptors: number;
  /** Processor time since the start, in milliseconds. */
  readonly cpu: number;
}

const directory = process.env['DAEMON_PROBE'];
if (directory !== undefined) probe(directory);

function probe(place: string): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const now = Date.now;
  const uptime = os.uptime;
  const elapsed = performance.now.bind(performance);
  const {hrtime} = process;
  let offset = 0;
  let number = 0;
  Date.now = () => now() + offset;
  os.uptime = () => uptime() + offset / 1000;
  performance.now = () => elapsed() + offset;
  process.hrtime = Object.assign(
    (): [number, number] => {
      const [seconds, nanoseconds] = hrtime();
      const sum = nanoseconds + (offset % 1000) * 1e6;
      return [seconds + Math.floor(offset / 1000) + Math.floor(sum / 1e9), sum % 1e9];
    },
    {bigint: () => hrtime.bigint() + BigInt(Math.round(offset * 1e6))},
  );
  syncBuiltinESMExports();
  process.on('SIGUSR2', () => {
    offset = Number(readFileSync(join(place, 'offset'), 'utf8'));
    collect();
    const {heapUsed, external} = process.memoryUsage();
    const {user, system} = process.cpuUsage();
    const resources: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
    const descriptors = readdirSync('/proc/self/fd').length;
    const cpu = (user + system) / 1000;
    const probed: Probed = {number: ++number, heapUsed, external, resources, descriptors, cpu};
    writeFileSync(join(place, 'probed.new'), JSON.stringify(probed));
    renameSync(join(place, 'probed.new'), join(place, 'probed'));
  });
}
