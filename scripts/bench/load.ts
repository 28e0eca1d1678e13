/** Measures many requests at once, on our socket and on that of git's own daemon, and the memory afterwards. */
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {answerOf, BuiltDaemon, PAT, Place, startBareServer, stopChild} from './built-daemon.ts';
import {LoadClient, type LoadResult, type Question} from './load-client.ts';
import type {Group} from './row.ts';
import {median} from './statistics.ts';

const ROUNDS = 5;

export async function measureLoad(): Promise<Group> {
  const client = new LoadClient();
  const place = new Place();
  const daemon = await BuiltDaemon.start(place);
  const cache = join(place.makeDirectory('cache'), 'socket');
  const ours: Question = {socket: place.socket, request: place.request(), expected: 'credential='};
  const theirs: Question = {
    socket: cache,
    request: place.write('theirs', 'action=get\ntimeout=900\nprotocol=https\nhost=dev.azure.com\n'),
    expected: 'password=',
  };
  try {
    execFileSync('git', ['credential-cache', `--socket=${cache}`, 'store'], {
      input: `protocol=https\nhost=dev.azure.com\nusername=someone\npassword=${PAT}\n`,
      env: place.environment,
    });
    const yardstick: Question = {...ours, socket: join(place.directory, 'bare')};
    const bare = await startBareServer(yardstick.socket, await answerOf(ours.socket, ours.request));
    for (const question of [ours, yardstick]) await client.load(question, 16, 10_000);
    const sixteen: Record<'ours' | 'theirs' | 'bare', LoadResult>[] = [];
    for (let round = 0; round < ROUNDS; round++)
      sixteen.push({
        ours: await client.load(ours, 16, 20_000),
        theirs: await client.load(theirs, 16, 20_000),
        bare: await client.load(yardstick, 16, 20_000),
      });
    await stopChild(bare);
    const thousand = await client.load(ours, 1000, 100_000);
    const thousandTheirs = await client.load(theirs, 1000, 20_000);
    const burst = await client.burst(ours, 5000);
    const rate = median(sixteen.map((round) => perSecond(round.ours)));
    const rateTheirs = median(sixteen.map((round) => perSecond(round.theirs)));
    const rateBare = median(sixteen.map((round) => perSecond(round.bare)));
    return {
      rows: [
        {
          what: 'requests per second, with the audit, against a bare Node server',
          value: median(sixteen.map((round) => perSecond(round.ours) / perSecond(round.bare))),
          unit: '×',
          target: {atLeast: 0.6},
          note: `the bare server: ${Math.round(rateBare).toLocaleString('en-US')}`,
        },
        {
          what: 'requests per second, 16 blocking clients',
          value: Math.round(rate),
          unit: '/s',
          target: {atLeast: 10_000},
          note: `git's own daemon: ${Math.round(rateTheirs).toLocaleString('en-US')}, ${(rate / rateTheirs).toFixed(2)} ×`,
        },
        {
          what: 'the same, p99',
          value: median(sixteen.map((round) => round.ours.p99)),
          unit: 'ms',
          target: {atMost: 5},
          note: `git's own daemon: ${median(sixteen.map((round) => round.theirs.p99)).toFixed(2)} ms`,
        },
        {
          what: '1,000 clients, 100,000 requests: p99',
          value: thousand.p99,
          unit: 'ms',
          target: {atMost: 250},
          note: `git's own daemon: ${thousandTheirs.p99.toFixed(0)} ms`,
        },
        {
          what: 'the same: failed',
          value: thousand.failed + thousand.refused,
          unit: '',
          target: {atMost: 0},
        },
        {
          what: 'a burst of 5,000 connections: refused or failed',
          value: burst.refused + burst.failed,
          unit: '',
          target: {atMost: 0},
          note: `all answered after ${burst.milliseconds.toFixed(0)} ms`,
        },
        {
          what: 'resident memory right after all of these',
          value: daemon.memory,
          unit: 'MB',
          target: {atMost: 100},
        },
      ],
      plot: {
        title: 'Requests per second, 16 clients that block: longer is better',
        unit: '/s',
        bars: [
          {name: 'git’s own daemon (C)', value: Math.round(rateTheirs), isOurs: false},
          {name: 'a bare Node server', value: Math.round(rateBare), isOurs: false},
          {name: 'orgkey', value: Math.round(rate), isOurs: true},
        ],
      },
    };
  } finally {
    execFileSync('git', ['credential-cache', `--socket=${cache}`, 'exit'], {
      env: place.environment,
      stdio: 'ignore',
    });
    await daemon.stop();
    place.remove();
  }
}

function perSecond({requests, milliseconds}: LoadResult): number {
  return (requests / milliseconds) * 1000;
}
