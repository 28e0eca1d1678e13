import test from 'ava';
import {onSystemMachine, whyNoSystem} from '../helpers/system-machine.ts';
import {BuiltApp} from '../helpers/systemd-home.ts';
import {testUnless} from '../helpers/test-unless.ts';

const onSystem = testUnless(whyNoSystem(), test.serial);

onSystem("no user changes, takes or blocks the sockets of the machine's service", async (t) => {
  const app = new BuiltApp();
  t.teardown(() => app.remove());
  const found = await onSystemMachine('test/with-systemd/inside-attack.ts', app.directory, 'attack');
  t.deepEqual(found, {
    installed: 0,
    first: 'secret',
    succeeded: {member: [], builder: [], alone: []},
    changed: [],
    flooded: {main: 'secret', scoped: 'secret', 'the same socket': 'secret'},
    squatted: [],
    afterwards: ['secret', 'secret'],
    socket: ['/run/orgkey/git.sock srw-rw---- orgkey:orgkey'],
  });
});
