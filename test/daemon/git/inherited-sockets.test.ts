import test from 'ava';
import {takeInheritedSockets} from '../../../src/daemon/git/inherited-sockets.ts';

const ours = {LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'git:team-a'};

for (const [title, variables, expected] of [
  ['for us', ours, {git: 3, 'team-a': 4}],
  ['without all their names', {...ours, LISTEN_FDNAMES: 'git'}, {git: 3, 'unnamed-1': 4}],
  ['for another process, whose child we are', {...ours, LISTEN_PID: '6'}, {}],
  ['without a process', {...ours, LISTEN_PID: ''}, {}],
  ['that do not exist', {}, {}],
  ['with an invalid number', {...ours, LISTEN_FDS: '2x'}, {}],
  ['with a number that is too large', {...ours, LISTEN_FDS: '10000'}, {}],
] as const) {
  test(`sockets from systemd ${title} are ${JSON.stringify(expected)}`, (t) => {
    const environment = {HOME: '/', ...variables};
    t.deepEqual(Object.fromEntries(takeInheritedSockets(environment, 7)), expected);
    t.deepEqual(Object.keys(environment), ['HOME']);
  });
}
