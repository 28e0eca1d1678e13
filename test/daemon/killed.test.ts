import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';
import {passwordIn} from '../helpers/requests.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const KILLS = 6;
const USERS = 8;
const configuration =
  'integrations: {azure: [{credentials: [{organizations: [contoso], stored: true, persist: true}]}]}\n';

/** What one user knows to be kept, and what was on its way when the daemon was killed. */
interface Known {
  kept: string;
  underWay: string;
}

test('a daemon killed at any moment loses no answered login and tears no file', async (t) => {
  const directory = scratchDirectory(t);
  const known: Known[] = Array.from({length: USERS}, () => ({kept: '', underWay: ''}));
  for (let round = 0; round <= KILLS; round++) {
    const daemon = await daemonFor(t, {directory, configuration});
    for (const [user, {kept, underWay}] of known.entries()) {
      const found = passwordIn(await daemon.ask(`action=get\ntimeout=900\n${placeOf(user)}`));
      t.true(
        [kept, underWay].includes(found),
        `round ${round}, user ${user}: ${found} of ${kept}, ${underWay}`,
      );
    }
    t.deepEqual(
      readdirSync(join(directory, 'state'), {recursive: true}).filter((name) =>
        String(name).endsWith('.new'),
      ),
      [],
    );
    for (const line of readFileSync(join(directory, 'state/audit.jsonl'), {
      encoding: 'utf8',
      flag: 'a+',
    }).split('\n'))
      if (line !== '') t.notThrows(() => JSON.parse(line), line);
    if (round < KILLS) await killUnderStores(daemon, known, 5 + round * 7);
  }
});

/** Stores logins without a pause, and kills the daemon after so many answers. */
async function killUnderStores(daemon: TestDaemon, known: Known[], after: number): Promise<void> {
  let answers = 0;
  const users = known.map(async (one, user) => {
    for (let times = 0; ; times++) {
      one.underWay = `password-${user}-${times}-${after}`;
      const request = `action=get\ntimeout=900\noperation=store\n${placeOf(user)}password=${one.underWay}\n`;
      const answer = await daemon.ask(request).catch(() => '');
      if (!answer.startsWith('orgkey=1\n')) return;
      one.kept = one.underWay;
      if (++answers === after) daemon.process.kill('SIGKILL');
    }
  });
  await Promise.all(users);
  await daemon.ended();
}

function placeOf(user: number): string {
  return `protocol=https\nhost=dev.azure.com\npath=contoso/web\nusername=user-${user}\n`;
}
