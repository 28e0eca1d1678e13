import type {ExecutionContext} from 'ava';
import type {Cloud} from '../cloud/cloud.ts';
import {type DaemonOptions, type TestDaemon, daemonFor} from './daemon.ts';
import type {GitHome} from './git-home.ts';
import {gitPerson} from './git-person.ts';

export interface GitWorld {
  readonly daemon: TestDaemon;
  readonly home: GitHome;
}

/** Starts a daemon with these credentials of dev.azure.com, and makes a user whose git asks it; for one test. */
export function withCredentials(
  t: ExecutionContext,
  cloud: Cloud,
  credentials: readonly string[],
  options: DaemonOptions = {},
): Promise<GitWorld> {
  const items = credentials.map((credential) => `        - {${credential}}\n`).join('');
  const configuration = `integrations:\n  azure:\n    - credentials:\n${items}`;
  return gitWorld(t, cloud, {...options, configuration});
}

export async function gitWorld(t: ExecutionContext, cloud: Cloud, options: DaemonOptions): Promise<GitWorld> {
  const daemon = await daemonFor(t, {
    ...options,
    environment: {...cloud.environment(), ...options.environment},
  });
  const home = await gitPerson(cloud, daemon);
  t.teardown(() => home.remove());
  return {daemon, home};
}
