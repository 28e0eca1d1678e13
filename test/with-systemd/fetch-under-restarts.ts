// Restarts the daemon again and again while gits fetch through a gateway.
import {execFile} from 'node:child_process';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import type {SystemdService} from '../../src/service/systemd.ts';

interface Fetching {
  readonly home: string;
  readonly service: SystemdService;
  /** What leads git to the gateway. */
  readonly gitconfig: string;
}

/** Fetches that run at any time. */
const CLIENTS = 8;

/** Each fetch is a clone, so that every restart meets packs that are under way. */
export async function fetchUnderRestarts({home, service, gitconfig}: Fetching): Promise<unknown> {
  const {ORGKEY_CLONES: url = '', ORGKEY_FETCHES: wanted, ORGKEY_RESTARTS: times} = process.env;
  const fetches = Number(wanted);
  const restarts = Number(times);
  const failures: string[] = [];
  let begun = 0;
  let done = 0;
  const clients = Array.from({length: CLIENTS}, async (_, client) => {
    const directory = join(home, `clone-${client}`);
    while (begun < fetches) {
      begun++;
      const failure = await clone(url, directory, gitconfig);
      if (failure !== undefined) failures.push(failure);
      rmSync(directory, {recursive: true, force: true});
      done++;
    }
  });
  const orders = new Set<string>();
  const processes = new Set<number | undefined>([(await service.status()).pid]);
  for (let restart = 1; restart <= restarts; restart++) {
    while (done < Math.floor((fetches * restart) / (restarts + 1))) await wait(5);
    orders.add((await service.restart()).kind);
    processes.add((await service.status()).pid);
  }
  await Promise.all(clients);
  return {done, failures, orders: [...orders], processes: processes.size};
}

function clone(url: string, directory: string, gitconfig: string): Promise<string | undefined> {
  const env = {
    ...process.env,
    GIT_CONFIG_SYSTEM: gitconfig,
    GIT_CONFIG_NOSYSTEM: '0',
    GIT_TERMINAL_PROMPT: '0',
  };
  return new Promise((resolve) => {
    execFile('git', ['clone', '--quiet', url, directory], {env, timeout: 90_000}, (error, _stdout, stderr) =>
      resolve(error === null ? undefined : stderr),
    );
  });
}
