import type {ExecutionContext} from 'ava';
import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {Cloud} from '../cloud/cloud.ts';
import {type TestDaemon, daemonFor} from './daemon.ts';
import {type GitHome, homeFor} from './git-home.ts';
import {until} from './patience.ts';
import {main} from './program.ts';

/** A person whose tools find our helpers, and the cloud under its real names. */
export interface ToolWorld {
  readonly daemon: TestDaemon;
  readonly home: GitHome;
}

/** The folder of the program. */
export const programs = dirname(main);

/** Starts a daemon with these credentials of dev.azure.com, and makes a person; for one test. */
export async function toolWorld(
  t: ExecutionContext,
  cloud: Cloud,
  credentials: readonly string[],
  path: readonly string[] = [],
): Promise<ToolWorld> {
  const items = credentials.map((credential) => `        - {${credential}}\n`).join('');
  const configuration = `integrations:\n  azure:\n    - credentials:\n${items}orgkey: {prefetch: false}\n`;
  const daemon = await daemonFor(t, {configuration, environment: cloud.environment()});
  const folders = [join(programs, 'keyring'), programs, ...path, process.env['PATH']];
  const home = homeFor(t, {...cloud.environment(), ...daemon.environment, PATH: folders.join(':')}, 'tools-');
  return {daemon, home};
}

/** Resolves to the audited requests of a tool, when there are so many. */
export async function auditOf(daemon: TestDaemon, tool: string, count = 1): Promise<readonly Entry[]> {
  const trail = join(daemon.directory, 'state/audit.jsonl');
  return until(
    `${count} lines of ${tool}`,
    () =>
      (existsSync(trail) ? readFileSync(trail, 'utf8') : '')
        .split('\n')
        .filter(Boolean)
        .map((line): Entry => JSON.parse(line))
        .filter((entry) => entry.tool === tool),
    (entries) => entries.length >= count,
  );
}

interface Entry {
  readonly tool?: string;
  readonly feed?: string;
  readonly organization?: string;
  readonly outcome: string;
}
