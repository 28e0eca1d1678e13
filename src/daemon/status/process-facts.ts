import {readdirSync} from 'node:fs';
import {descriptorLimit} from '../git/crowd.ts';

export interface ProcessFacts {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** For how long the event loop was busy. */
  readonly busySeconds: number;
  /** `undefined`: this system does not tell. */
  readonly openFiles: number | undefined;
  readonly mostFiles: number;
}

export function processFacts(): ProcessFacts {
  const {user, system} = process.cpuUsage();
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    busySeconds: performance.eventLoopUtilization().active / 1000,
    openFiles: openFiles(),
    mostFiles: descriptorLimit(),
  };
}

function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
