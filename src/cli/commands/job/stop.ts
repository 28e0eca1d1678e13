import {printable} from '../../../text/printable.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {inJob, JOB_VARIABLE, readJobPlace, removeJobPlace, type JobPlace} from '../../job/job-place.ts';
import {absolute} from '../../locate.ts';
import {serviceFor} from '../../setup/choose-service.ts';
import {usageError} from '../../command-error.ts';

/** Runs `orgkey job stop`: ends the daemon of a job and removes all that it had. A second call has nothing to do. */
export async function stopJob(
  options: Places & {readonly directory?: string | undefined},
  context: Context,
): Promise<ExitCode> {
  const {terminal, environment} = context;
  const named = options.directory ?? environment[JOB_VARIABLE];
  if (!named)
    throw usageError('this job has no daemon', `name its directory: orgkey job stop --directory DIR`);
  const directory = absolute(named, context);
  const place = await readJobPlace(directory, context);
  if (place === undefined) {
    terminal.say(`nothing is left to stop in ${printable(directory)}`);
    return EXIT.ok;
  }
  await endJob(place, context);
  terminal.say('the daemon of this job was stopped, and its files were removed');
  return EXIT.ok;
}

/** Ends the daemon and removes its files. When a job ends, no answer is worth a long wait: then it is killed. */
export async function endJob(place: JobPlace, context: Context): Promise<void> {
  const wish = {kind: 'plain', configFile: undefined, sockets: []} as const;
  const service = await serviceFor(wish, {}, inJob(place, context));
  const stopped = service.stop();
  for (let waited = 0; waited < GRACE; waited += POLL_INTERVAL) {
    if ((await service.status()).pid === undefined) break;
    await context.wait(POLL_INTERVAL);
  }
  const {pid} = await service.status();
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  await stopped;
  await removeJobPlace(place);
}

/** In milliseconds: as long as one answer to git may take. */
const GRACE = 10_000;
const POLL_INTERVAL = 50;
