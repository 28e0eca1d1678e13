/**
 * usage: scripts/with-node node scripts/stress.ts [requests] [submodules] [kills] [restarts] [crashes] [hang] [updates] [fetches]
 *
 * Runs what takes too long for the tests, or what depends on time, against a real daemon; everything if nothing is
 * named: a million requests and what they leave in memory, a clone with 200 submodules, a hundred killed
 * acquirers; and under a real but isolated systemd --user, which only root can start: 20 restarts and 10 crashes of the
 * daemon under load, a daemon that is stopped, 12 updates by npm while clones run,
 * and 10 restarts while 200 gits fetch through a gateway.
 * Prints its findings. Exits 1 if one of them is wrong.
 */
import {gitPerson} from '../test/helpers/git-person.ts';
import {acquirersOf, killAcquirers} from '../test/helpers/acquirers-of.ts';
import {startProbed, type ProbedDaemon} from '../test/helpers/probed-daemon.ts';
import {eraseFor, getFor, inParallel, passwordIn} from '../test/helpers/requests.ts';
import {gits} from '../test/helpers/gits.ts';
import {BuiltApp, SystemdHome, whyNoSystemd} from '../test/helpers/systemd-home.ts';
import {restartUnderFetches, whyNoGitForSockets} from '../test/helpers/restart-under-fetches.ts';
import {updateUnderClones} from '../test/helpers/update-under-clones.ts';
import {startCloud} from '../test/cloud/cloud.ts';

const REQUESTS = 1_000_000;
const SUBMODULES = 200;
const KILLS = 100;
const UPDATES = 12;
const FETCHES = 200;
const RESTARTS = 10;

/** The limit for the slowest request while the daemon is restarted, in milliseconds. */
const SLOWEST = 500;

/** The limit until the first answer after a crash, in milliseconds. */
const BACK_AFTER = 1000;

/** In bytes. */
const MAY_GROW = 1024 * 1024;

let failed = 0;

function tell(what: string, isAsItMustBe: boolean): void {
  if (!isAsItMustBe) failed++;
  console.log(`${isAsItMustBe ? 'ok    ' : 'FAILED'}  ${what}`);
}

const cloud = await startCloud();
const tenant = cloud.addTenant();
const app = tenant.addApplication();
const contoso = cloud.addOrganization('contoso', {tenant, members: [app]});
const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
`;

const serviceConfiguration = `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: ${'p'.repeat(52)}}
        - {organizations: [fabrikam], stored: true, persist: true}
orgkey:
  sockets:
    - {name: team-a, organizations: [contoso]}
`;

/** Runs a check with a new daemon. */
async function withDaemon(work: (daemon: ProbedDaemon) => Promise<void>): Promise<void> {
  cloud.requests.clear();
  const daemon = await startProbed({
    configuration,
    environment: cloud.environment(),
    args: ['--log-level', 'info'],
  });
  try {
    await work(daemon);
  } finally {
    await daemon.close();
  }
}

/** Returns how many requests were answered with a credential. */
async function ask(daemon: ProbedDaemon, times: number): Promise<number> {
  const turns = Array.from({length: times / 100}, (_, at) => at);
  const served = await inParallel(turns, 32, async (turn) => {
    let count = 0;
    for (let at = 0; at < 100; at++) {
      const request = at === 99 ? eraseFor('contoso', `wrong-${turn}`) : getFor('contoso');
      if (passwordIn(await daemon.ask(request)) !== '') count++;
    }
    return count;
  });
  return served.reduce((sum, count) => sum + count, 0);
}

const parts: Readonly<Record<string, () => Promise<void>>> = {
  requests: () =>
    withDaemon(async (daemon) => {
      await ask(daemon, 50_000);
      const before = await daemon.probeAtRest();
      const start = performance.now();
      const served = await ask(daemon, REQUESTS);
      const seconds = (performance.now() - start) / 1000;
      tell(
        `${served} of ${REQUESTS} answered with a credential, each hundredth was an erase`,
        served === REQUESTS * 0.99,
      );
      console.log(`        ${Math.round(REQUESTS / seconds)} a second`);
      const after = await daemon.probeAtRest();
      const grown = after.heapUsed - before.heapUsed;
      tell(`the heap grew by ${grown} bytes`, grown <= MAY_GROW);
      const outside = after.external - before.external;
      tell(`outside the heap there are ${outside} bytes more`, outside <= MAY_GROW);
      tell(
        `${before.descriptors} descriptors, then ${after.descriptors}`,
        after.descriptors <= before.descriptors + 2,
      );
      const acquired = cloud.requests.count({endpoint: 'token'});
      tell(`Entra was asked ${acquired} times`, acquired === 1);
    }),

  submodules: () =>
    withDaemon(async (daemon) => {
      const submodules = Array.from({length: SUBMODULES}, (_, at) => {
        const {url} = contoso.addRepository(`web/module-${at}`, {files: {a: `${at}`}});
        return {path: `module-${at}`, url};
      });
      const whole = contoso.addRepository('web/whole', {submodules});
      for (const git of gits.filter(({missing}) => missing === undefined)) {
        cloud.requests.clear();
        const home = await gitPerson(cloud, daemon, git);
        const start = performance.now();
        await home.succeed(['clone', '-q', '--recurse-submodules', '--jobs', '8', whole.url, 'whole']);
        const seconds = (performance.now() - start) / 1000;
        const acquired = cloud.requests.count({endpoint: 'token'});
        home.remove();
        tell(
          `${git.name}: ${SUBMODULES} submodules in ${seconds.toFixed(1)} s, Entra was asked ${acquired} times`,
          acquired <= 1,
        );
      }
    }),

  kills: () =>
    withDaemon(async (daemon) => {
      await daemon.ask(getFor('contoso'));
      const before = await daemon.probe();
      const {killed, empty} = await killAcquirers(daemon, {organization: 'contoso', times: KILLS});
      tell(`${killed} of ${KILLS} acquirers were killed at work`, killed > KILLS / 3);
      tell(`${empty.length} gits got nothing`, empty.length === 0);
      tell(`${acquirersOf(daemon).length} acquirers are left`, acquirersOf(daemon).length === 0);
      const after = await daemon.probe();
      tell(
        `${before.descriptors} descriptors, then ${after.descriptors}`,
        after.descriptors <= before.descriptors,
      );
    }),

  restarts: () =>
    besideSystemd('load', (found) => {
      const {answered, failed, slowest, p99, restarts} = found;
      tell(`${text(answered)} answered over ${text(restarts)} restarts`, answered === 50_000);
      tell(`failed: ${text(failed)}`, Array.isArray(failed) && failed.length === 0);
      tell(`the slowest took ${text(slowest)} ms, p99 ${text(p99)} ms`, Number(slowest) <= SLOWEST);
    }),

  crashes: () =>
    besideSystemd('kill', (found) => {
      const {answered, failed, failedOtherwise, lost, slowestNextAnswer, kills} = found;
      tell(
        `${text(answered)} answered over ${text(kills)} kills`,
        Number(answered) + Number(failed) === 10_000,
      );
      tell(
        `${text(failed)} lost; of them not under way at a kill: ${text(failedOtherwise)}`,
        Array.isArray(failedOtherwise) && failedOtherwise.length === 0,
      );
      tell(`logins lost: ${text(lost)}`, Array.isArray(lost) && lost.length === 0);
      const next = `the next answer came after at most ${text(slowestNextAnswer)} ms`;
      tell(next, Number(slowestNextAnswer) <= BACK_AFTER);
    }),

  hang: () =>
    besideSystemd('hang', ({isSet, seconds, answer, failures}) => {
      tell('the daemon set the limit of the watchdog', isSet === true);
      tell(`systemd ended a stopped daemon after ${text(seconds)} s`, Number(seconds) < 120);
      tell(`git was answered afterwards: ${text(answer)}`, answer === 'secret' && failures === '');
    }),

  fetches: () =>
    withApp(async (app) => {
      const reason = whyNoGitForSockets();
      if (reason !== undefined) return console.log(`skipped: ${reason}`);
      const {done, failures} = await restartUnderFetches(app, cloud, {fetches: FETCHES, restarts: RESTARTS});
      tell(`${text(done)} fetches through a gateway over ${RESTARTS} restarts`, done === FETCHES);
      tell(`failed: ${text(failures)}`, Array.isArray(failures) && failures.length === 0);
    }),

  updates: () =>
    withApp(async (app) => {
      const {failures, clones} = await updateUnderClones(app, cloud, {updates: UPDATES, onProgress: show});
      tell(`${text(clones)} clones over ${UPDATES} updates`, Number(clones) > UPDATES);
      tell(`failed: ${text(failures)}`, Array.isArray(failures) && failures.length === 0);
    }),
};

/** Runs a scenario of test/with-systemd/inside.ts. */
function besideSystemd(
  scenario: string,
  judge: (found: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  return withApp(async (app) => {
    const home = new SystemdHome(app, 4321, serviceConfiguration);
    try {
      judge(await home.run(scenario, {onProgress: show}));
    } finally {
      home.remove();
    }
  });
}

/** Skips the check if systemd cannot run here. */
async function withApp(work: (app: BuiltApp) => Promise<void>): Promise<void> {
  const reason = whyNoSystemd();
  if (reason !== undefined) return console.log(`skipped: ${reason}`);
  const app = new BuiltApp();
  try {
    await work(app);
  } finally {
    app.remove();
  }
}

function show(line: string): void {
  process.stdout.write(`        ${line}`);
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

const wanted = process.argv.slice(2);
for (const [name, part] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`== ${name}`);
  await part();
}
await cloud.close();
process.exitCode = failed === 0 ? 0 : 1;
