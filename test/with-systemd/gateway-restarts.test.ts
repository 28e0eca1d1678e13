import test from 'ava';
import {startCloud, type Cloud} from '../cloud/cloud.ts';
import {restartUnderFetches, whyNoGitForSockets} from '../helpers/restart-under-fetches.ts';
import {BuiltApp, whyNoSystemd} from '../helpers/systemd-home.ts';
import {testUnless} from '../helpers/test-unless.ts';

const reason = whyNoSystemd() ?? whyNoGitForSockets();
// serial: the test needs the CPU for clones under load
const onSystemd = testUnless(reason, test.serial);

let app: BuiltApp;
let cloud: Cloud;
test.before(async () => {
  if (reason !== undefined) return;
  app = new BuiltApp();
  cloud = await startCloud();
});
test.after.always(async () => {
  if (reason !== undefined) return;
  app.remove();
  await cloud.close();
});

onSystemd('restarts under running fetches through a gateway fail no fetch', async (t) => {
  const found = await restartUnderFetches(app, cloud, {fetches: 40, restarts: 4});
  t.deepEqual(found, {done: 40, failures: [], orders: ['done'], processes: 5});
});
