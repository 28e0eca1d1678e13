import type {ExecutionContext} from 'ava';
import {Person, patConfiguration} from './command-line.ts';
import {type TestDaemon, daemonFor} from './daemon.ts';

/** Starts a daemon with `patConfiguration`, and returns it with a user whose commands ask it. */
export async function personWithDaemon(
  t: ExecutionContext,
): Promise<{readonly daemon: TestDaemon; readonly person: Person}> {
  const daemon = await daemonFor(t, {configuration: patConfiguration});
  const person = new Person(t, {...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
  return {daemon, person};
}
