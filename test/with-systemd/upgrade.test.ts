import test from 'ava';
import {startCloud, type Cloud} from '../cloud/cloud.ts';
import {BuiltApp, whyNoSystemd} from '../helpers/systemd-home.ts';
import {NEWER, OLDER} from '../helpers/two-versions.ts';
import {updateUnderClones} from '../helpers/update-under-clones.ts';
import {testUnless} from '../helpers/test-unless.ts';

const reason = whyNoSystemd();
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

onSystemd(`upgrades under running clones fail no clone`, async (t) => {
  const {failures, served, clones} = await updateUnderClones(app, cloud, {updates: 4});
  t.log(`${String(clones)} clones with three submodules each`);
  t.deepEqual({failures, served}, {failures: [], served: [NEWER, OLDER, NEWER, OLDER]});
});
