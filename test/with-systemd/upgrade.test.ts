import test from 'ava';
import {startCloud, type Cloud} from '../cloud/cloud.ts';
import {BuiltApp, whyNoSystemd} from '../helpers/systemd-home.ts';
import {NEWER, OLDER} from '../helpers/two-versions.ts';
import {updateUnderClones} from '../helpers/update-under-clones.ts';

const reason = whyNoSystemd();
const onSystemd = reason === undefined ? test.serial : test.serial.skip;
const because = reason === undefined ? '' : ` (skipped: ${reason})`;

let app: BuiltApp;
let cloud: Cloud;
test.before(async () => {
  if (reason !== undefined) return;
  app = new BuiltApp();
  cloud = await startCloud();
});
test.after.always(async () => {
  app?.remove();
  await cloud?.close();
});

onSystemd(
  `versions are installed over each other while clones run, and no clone fails${because}`,
  async (t) => {
    const {failures, served, clones} = await updateUnderClones(app, cloud, {updates: 4});
    t.log(`${String(clones)} clones with three submodules each`);
    t.deepEqual({failures, served}, {failures: [], served: [NEWER, OLDER, NEWER, OLDER]});
  },
);
